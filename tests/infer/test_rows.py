"""Rows of a stream of parts, overlaps and low-passes: those of the whole arrays."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from cemnet_jax.infer.rows import Rows, average_overlaps, smooth


def cut(x, size):
  return (x[start:start + size] for start in range(0, len(x), size))


@pytest.mark.parametrize('size', [1, 4, 7, 100])
def test_rows_are_those_of_the_whole_and_what_is_behind_goes(size):
  x = np.random.default_rng(0).random((50, 3))
  rows = Rows({'a': part, 'b': (part[:, 0],)} for part in cut(x, size))
  for start in (0, 0, 2, 20, 21, 45):
    at = np.clip(np.arange(start, start + 6), 0, 49).reshape(2, 3)
    got = rows.take(at)
    np.testing.assert_array_equal(got['a'], x[at])
    np.testing.assert_array_equal(got['b'][0], x[at, 0])
    assert len(rows._held['a']) <= 6 + size


@pytest.mark.parametrize('size', [1, 3, 32])
@pytest.mark.parametrize('count', [30, 27])
def test_overlaps_are_averaged_as_one_by_one(size, count):
  rng = np.random.default_rng(1)
  windows = np.arange(26)[:, None] + np.arange(5)
  values = rng.random((26, 5, 2, 2)).astype(np.float32)
  got = list(average_overlaps(zip(cut(windows, size), cut(values, size)), count))
  want = [np.mean([values[w, t] for w in range(26) for t in range(5) if w + t == frame], axis=0)
          for frame in range(30)]
  assert sum(map(len, got)) == count
  np.testing.assert_allclose(np.concatenate(got), want[:count], rtol=1e-6)
  np.testing.assert_array_equal(
    np.concatenate(got), np.concatenate(list(average_overlaps([(windows, values)], count))))


@pytest.mark.parametrize('count', [1, 6, 100])
@pytest.mark.parametrize('sigma', [.5, 3., 40.])
def test_a_low_pass_of_parts_is_that_of_the_whole(count, sigma):
  x = np.random.default_rng(2).random((count, 4, 2)).astype(np.float32)
  got = np.concatenate(list(smooth(cut(x, 9), count, sigma)))
  np.testing.assert_array_equal(got, gaussian_filter1d(x, sigma, axis=0, mode='nearest'))
