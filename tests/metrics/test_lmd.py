import numpy as np
import pytest

from cemnet_jax.metrics import lmd
from cemnet_jax.metrics.tally import EMPTY, mean, merge


def test_plain_distance_of_a_known_shift():
  truth = np.random.default_rng(0).random((3, 57, 2))
  moved = truth + np.array([3, 4]) / 256
  assert mean(lmd.m_lmd(moved, truth, centred=False)) == pytest.approx(5)
  assert mean(lmd.m_lmd(moved, truth, centred=True)) == pytest.approx(0, abs=1e-9)
  assert mean(lmd.f_lmd(moved, truth, size=128)) == pytest.approx(2.5)


def test_agrees_with_loops_and_ignores_the_jaw():
  rng = np.random.default_rng(1)
  a, b = rng.random((4, 57, 2)), rng.random((4, 57, 2))
  total = 0.
  for frame_a, frame_b in zip(a[:, 17:] * 256, b[:, 17:] * 256):
    centre_a, centre_b = frame_a.sum(0) / 40, frame_b.sum(0) / 40
    for p, q in zip(frame_a - centre_a, frame_b - centre_b):
      total += np.hypot(*(p - q)) / 40 / 4
  assert mean(lmd.m_lmd(a, b)) == pytest.approx(total)
  a[:, :17] = 9
  assert mean(lmd.m_lmd(a, b)) == pytest.approx(total)


def test_half_precision_landmarks_are_summed_in_double():
  truth = np.random.default_rng(2).random((50, 57, 2)).astype(np.float16)
  assert mean(lmd.m_lmd(truth, truth.astype(np.float64))) == 0


def test_clips_count_once_whatever_their_length():
  rng = np.random.default_rng(3)
  truths = [rng.random((frames, 57, 2)) for frames in (3, 9)]
  moved = [truth + np.array([shift, 0]) / 256 for truth, shift in zip(truths, (2, 6))]
  tallies = [lmd.m_lmd(a, b, centred=False) for a, b in zip(moved, truths)]
  assert mean(merge(tallies)) == pytest.approx(4)
  assert merge(tallies).count == 2
  assert lmd.f_lmd(truths[0][:0], truths[0][:0]) == EMPTY


def test_a_shuffled_pair_is_worse_than_its_own_truth():
  rng = np.random.default_rng(4)
  one, other = rng.random((2, 5, 57, 2))
  near = one + .01 * rng.normal(size=one.shape)
  for metric in (lmd.m_lmd, lmd.f_lmd):
    assert metric(one, one).total == 0 < metric(near, one).total < metric(near, other).total
