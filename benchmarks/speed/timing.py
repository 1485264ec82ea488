"""Times of programs that do the same work, taken in turns so that all meet the same machine."""

import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

Run = Callable[[int], None]  # so many times, until the last result is there


class Quartiles(NamedTuple):
  """Of some repeats."""
  low: float
  median: float
  high: float

  def text(self, digits: int = 3) -> str:
    """median (low to high), with so many significant digits."""
    median, low, high = (rounded(x, digits) for x in (self.median, self.low, self.high))
    return f'{median} ({low} to {high})'


def quartiles(values) -> Quartiles:
  """25th, 50th and 75th percentile."""
  return Quartiles(*np.percentile(values, (25, 50, 75)).tolist())


def rounded(value: float, digits: int = 3) -> str:
  """With so many significant digits, never in powers of ten."""
  places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
  return f'{value:,.{places}f}'


def seconds_of(run: Run, count: int = 1) -> float:
  """Wall time of `run(count)`."""
  start = time.perf_counter()
  run(count)
  return time.perf_counter() - start


def in_turns(runs: Mapping[str, Run], repeats: int, least: float) -> dict[str, np.ndarray]:
  """Seconds per step of every program in every repeat; each has run before.

  In a repeat every program has its turn, of one step or as many as last `least` seconds.
  """
  counts = {name: math.ceil(least / max(seconds_of(run), 1e-9)) for name, run in runs.items()}
  times = {name: [] for name in runs}
  for _ in range(repeats):
    for name, run in runs.items():
      times[name].append(seconds_of(run, max(1, counts[name])) / max(1, counts[name]))
  return {name: np.array(values) for name, values in times.items()}


def ratio(times: np.ndarray, base: np.ndarray) -> Quartiles:
  """Of the medians; the spread is that of the ratios of the repeats, turn by turn."""
  spread = quartiles(times / base)
  return spread._replace(median=float(np.median(times) / np.median(base)))
