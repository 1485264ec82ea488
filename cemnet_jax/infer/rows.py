"""Arrays that are made part by part along time, and rows of them where they are needed."""

from collections.abc import Iterable, Iterator
from operator import itemgetter

import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter1d

TRUNCATE = 4.0  # sigmas after which a low-pass ends
BATCH = 32  # frames smoothed at a time


class Rows:
  """Rows of parts (trees of arrays) that follow one another; what is behind is forgotten."""

  def __init__(self, parts: Iterable):
    self._parts, self._held = iter(parts), None
    self._first = self._stop = 0  # rows that are held

  def take(self, at: Int[np.ndarray, '*N']):
    """The rows `at`, of which the lowest may not be lower than in an earlier call."""
    low, high = int(at.min()), int(at.max()) + 1
    while self._stop < high:
      part = next(self._parts)
      held = part if self._held is None else jax.tree.map(
        lambda *x: np.concatenate(x), self._held, part)
      self._stop += len(jax.tree.leaves(part)[0])
      drop = min(max(0, low - self._first), self._stop - self._first)
      self._held = jax.tree.map(itemgetter(slice(drop, None)), held)
      self._first += drop
    return jax.tree.map(lambda x: x[at - self._first], self._held)


def average_overlaps(parts: Iterable[tuple[Int[np.ndarray, 'W T'], Float[np.ndarray, 'W T ...']]],
                     count: int) -> Iterator[Float[np.ndarray, 'N ...']]:
  """Values of the first `count` frames from those of windows of frames, averaged where they meet.

  Args:
    parts: (frames of the windows, values); windows at stride 1, in order from frame 0 on.
  """
  total, times, first = None, np.zeros(0), 0
  for windows, values in parts:
    if total is None:
      total = np.zeros((0, *values.shape[2:]))
    more = int(windows[-1, -1]) + 1 - first - len(total)
    total = np.concatenate([total, np.zeros((more, *total.shape[1:]))])
    offset = int(windows[0, 0]) - first
    for place in reversed(range(windows.shape[1])):  # as windows come: later places lie earlier
      total[offset + place:offset + place + len(windows)] += values[:, place]
    times = np.pad(times, (0, more)) + np.bincount((windows - first).ravel())
    done = int(windows[-1, 0]) + 1 - first  # the next window begins there
    yield _mean(total[:done], times[:done])[:max(0, count - first)]
    total, times, first = total[done:], times[done:], first + done
  yield _mean(total, times)[:max(0, count - first)]


def _mean(total, times):
  return (total / times.reshape(-1, *[1] * (total.ndim - 1))).astype(np.float32)


def smooth(parts: Iterable[Float[np.ndarray, 'N ...']], count: int, sigma: float,
           ) -> Iterator[Float[np.ndarray, 'N ...']]:
  """Low-pass over time of `count` rows; the ends are repeated beyond them.

  Args:
    sigma: of the Gaussian, in rows.
  """
  rows, reach = Rows(parts), int(TRUNCATE * sigma + 0.5)
  for start in range(0, count, BATCH):
    stop = min(start + BATCH, count)
    around = rows.take(np.clip(np.arange(start - reach, stop + reach), 0, count - 1))
    yield gaussian_filter1d(around, sigma, axis=0, truncate=TRUNCATE)[reach:reach + stop - start]
