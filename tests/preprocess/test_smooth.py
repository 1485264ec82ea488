"""Smoothing of landmark tracks against scipy and a plain loop over the paper's equations."""

import numpy as np
import pytest
from scipy.signal import savgol_filter

from cemnet_jax.preprocess.smooth import BETA, MIN_CUTOFF, SPEED_CUTOFF, smooth


def track(count=60, noise=0.5):
  rng = np.random.default_rng(0)
  face = rng.uniform(0, 100, (131, 2))
  still = np.repeat(face[None], count, 0)
  return still, (still + rng.normal(0, noise, still.shape)).astype(np.float32)


def reference_one_euro(x):
  """Casiez et al. 2012, one point (T, 2) and the face's width at a time."""
  points, width = x, x[0, :, 0].max() - x[0, :, 0].min()
  out = np.zeros(points.shape)
  alpha = lambda cutoff: 1 / (1 + 1 / (2 * np.pi * cutoff / 25))
  for p in range(points.shape[1]):
    hat, dx = points[0, p].astype(float), np.zeros(2)
    out[0, p] = hat
    for t in range(1, len(points)):
      raw = (points[t, p] - hat) * 25 / width
      dx = alpha(SPEED_CUTOFF) * raw + (1 - alpha(SPEED_CUTOFF)) * dx
      a = alpha(MIN_CUTOFF + BETA * np.hypot(*dx))
      hat = a * points[t, p] + (1 - a) * hat
      out[t, p] = hat
  return out


def test_equal_to_references():
  _, noisy = track(30)
  np.testing.assert_allclose(smooth(noisy, 'savgol'), savgol_filter(noisy, 5, 2, axis=0), atol=1e-4)
  np.testing.assert_allclose(smooth(noisy, 'one_euro')[:, :4], reference_one_euro(noisy)[:, :4],
                             atol=1e-3)
  assert smooth(noisy, 'none') is noisy


@pytest.mark.parametrize('method', ['savgol', 'one_euro'])
def test_less_jitter_and_gaps_stay(method):
  still, noisy = track()
  noisy[20:25] = np.nan
  out = smooth(noisy, method)
  found = np.isfinite(noisy)
  np.testing.assert_array_equal(np.isfinite(out), found)
  assert np.abs((out - still)[found]).mean() < 0.85 * np.abs((noisy - still)[found]).mean()
  alone = smooth(noisy[25:], method)
  np.testing.assert_array_equal(out[25:], alone, err_msg='a gap must end the filter')


def test_savgol_keeps_a_closing_mouth():
  t = np.arange(40)[:, None, None]
  opening = (np.sin(2 * np.pi * 4 * t / 25) * np.ones((1, 131, 2))).astype(np.float32)  # 4 Hz
  assert np.abs(smooth(opening, 'savgol') - opening)[2:-2].max() < 0.2


def test_unknown_method():
  with pytest.raises(ValueError, match='smoothing is one of'):
    smooth(track(5)[1], 'median')
