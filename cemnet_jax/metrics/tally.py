"""What a metric says of one clip: a sum and a count, so that any split of a test set merges."""

import math
from collections.abc import Iterable
from typing import NamedTuple


# Not clu.metrics.Average, which adds in float32 one after the other: other orders give other bits.
class Tally(NamedTuple):
  """Sum of a metric's values and how many there were (clips, frames or steps; it says which)."""
  total: float
  count: float


EMPTY = Tally(0., 0.)  # of a clip that a metric cannot judge: it changes no mean


def merge(tallies: Iterable[Tally]) -> Tally:
  """Sums tallies of clips, hosts or resumed runs; exactly rounded, so in any order the same."""
  tallies = list(tallies)
  return Tally(math.fsum(t.total for t in tallies), math.fsum(t.count for t in tallies))


def mean(tally: Tally) -> float:
  """Sum over count; nan where nothing was counted."""
  return tally.total / tally.count if tally.count else math.nan


def one(value: float) -> Tally:
  """A clip's own value, counted once; a value that is not finite is not counted."""
  return Tally(float(value), 1.) if math.isfinite(value) else EMPTY
