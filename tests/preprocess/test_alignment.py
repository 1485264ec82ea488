"""Dynamic time warping against a brute-force search and a known time warp."""

import functools

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import alignment, audio
from cemnet_jax.preprocess.synthetic import speech


def _best_cost(ref, other):
  """Cost of the cheapest path without a band, by plain recursion."""
  distance = np.abs(ref[:, None] - other[None]).sum(axis=-1)

  @functools.cache
  def best(i, j):
    if i == j == 0:
      return distance[0, 0]
    before = [best(i - di, j - dj) for di, dj in ((1, 1), (1, 0), (0, 1)) if i >= di and j >= dj]
    return distance[i, j] + min(before)

  return best(len(ref) - 1, len(other) - 1)


def _assert_path(path, rows, cols):
  assert path.dtype == np.int32
  assert tuple(path[0]) == (0, 0) and tuple(path[-1]) == (rows - 1, cols - 1)
  steps = {tuple(step) for step in np.diff(path, axis=0).tolist()}
  assert steps <= {(1, 1), (1, 0), (0, 1)}


@pytest.mark.parametrize('rows, cols', [(1, 1), (1, 6), (6, 1), (9, 9), (7, 12), (14, 5)])
def test_path_is_optimal(rows, cols):
  rng = np.random.default_rng(rows * 100 + cols)
  ref, other = rng.normal(size=(rows, 12)), rng.normal(size=(cols, 12))
  path = alignment.dtw_path(ref, other, band=1.0)
  _assert_path(path, rows, cols)
  cost = np.abs(ref[path[:, 0]] - other[path[:, 1]]).sum()
  np.testing.assert_allclose(cost, _best_cost(ref, other))


@pytest.mark.parametrize('band', [0.0, 0.05, 0.3])
@pytest.mark.parametrize('rows, cols', [(40, 40), (40, 55), (50, 20), (2, 30)])
def test_band_is_respected_and_always_passable(rows, cols, band):
  rng = np.random.default_rng(0)
  path = alignment.dtw_path(rng.normal(size=(rows, 3)), rng.normal(size=(cols, 3)), band)
  _assert_path(path, rows, cols)
  off_line = np.abs(path[:, 0] / (rows - 1) - path[:, 1] / (cols - 1))
  assert off_line.max() <= max(band, 1 / (rows - 1), 1 / (cols - 1)) + 1e-9


@pytest.mark.parametrize('seed', range(20))
def test_ties_go_to_the_diagonal_then_to_the_reference(seed):
  rng = np.random.default_rng(seed)
  band = rng.choice([0.0, 0.05, 0.3, 1.0])
  ref, other = (rng.integers(0, 3, (n, 2)).astype(float) for n in rng.integers(1, 40, 2))
  path = alignment.dtw_path(ref, other, band)
  cost = np.abs(ref[:, None] - other[None]).sum(axis=-1)
  total = alignment._accumulate(cost[..., None], band)[..., 0]
  for here, before in zip(path[:0:-1].tolist(), path[-2::-1].tolist()):
    choices = [(here[0] - di, here[1] - dj) for di, dj in ((1, 1), (1, 0), (0, 1))
               if here[0] >= di and here[1] >= dj]
    assert tuple(before) == min(choices, key=total.__getitem__)


def test_known_warp_is_found():
  rng = np.random.default_rng(1)
  ref = rng.normal(size=(80, 12))
  source = np.sort(np.concatenate([np.arange(80), rng.integers(0, 80, 25)]))
  path = alignment.dtw_path(ref, ref[source])
  np.testing.assert_array_equal(path[:, 0], source)
  np.testing.assert_allclose(alignment.warp_to(path, ref[source], 80), ref, rtol=1e-6)


def test_warp_averages_frames_that_share_a_reference():
  path = np.array([[0, 0], [0, 1], [1, 2], [2, 2], [2, 3]])
  track = np.array([[0.0], [2.0], [10.0], [20.0]])
  warped = alignment.warp_to(path, track, 3)
  assert warped.dtype == np.float32
  np.testing.assert_array_equal(warped, [[1.0], [10.0], [15.0]])


def test_warp_refuses_another_reference():
  with pytest.raises(ValueError, match='cover'):
    alignment.warp_to(np.array([[0, 0], [1, 1]]), np.zeros((2, 1)), 3)


def test_empty_track_is_a_user_error():
  with pytest.raises(UserError):
    alignment.dtw_path(np.zeros((0, 12)), np.zeros((3, 12)))


def test_same_words_in_two_emotions_align_to_30_ms():
  clips = [speech.speak(speech.make_voice(0), 'please move the chair away from them', emotion, 3,
                        (1,)) for emotion in ('neutral', 'angry')]
  tracks = [audio.mfcc(clip.pcm)[:, 1:] for clip in clips]
  path = alignment.dtw_path(*tracks)
  centres = np.array([[(start + end) / 2 for _, start, end in clip.phones] for clip in clips])
  found = np.interp(centres[0], path[:, 0] / 100, path[:, 1] / 100)
  assert np.median(np.abs(found - centres[1])) < 0.03
  naive = centres[0] * centres[1, -1] / centres[0, -1]
  assert np.mean(np.abs(found - centres[1])) < np.mean(np.abs(naive - centres[1]))


@pytest.mark.parametrize('rows, cols', [(30, 30), (20, 26), (1, 4), (4, 1)])
def test_costs_of_many_paths_are_those_of_each_path(rows, cols):
  rng = np.random.default_rng(3)
  ref, others = rng.normal(size=(rows, 12)), rng.normal(size=(5, cols, 12))
  cost = np.abs(ref[:, None, None] - others.transpose(1, 0, 2)).sum(axis=-1)
  found = alignment.path_costs(cost, 0.1)
  for k, other in enumerate(others):
    path = alignment.dtw_path(ref, other, 0.1)
    total = np.abs(ref[path[:, 0]] - other[path[:, 1]]).sum()
    np.testing.assert_allclose(found[k], total / max(rows, cols))
  assert alignment.path_costs(cost.astype(np.float32)).dtype == np.float32
