import numpy as np
import pytest

from cemnet_jax.metrics import psnr_ssim


def pictures(seed=0, shape=(2, 24, 30, 3)):
  rng = np.random.default_rng(seed)
  truth = rng.integers(0, 256, shape).astype(np.uint8)
  noisy = np.clip(truth.astype(int) + rng.integers(-40, 41, shape), 0, 255).astype(np.uint8)
  return noisy, truth


def slow_ssim(a, b):
  """SSIM by its formula, window by window, on channels in [0, 1]."""
  grid = np.arange(11) - 5
  window = np.exp(-(grid[:, None] ** 2 + grid[None] ** 2) / (2 * 1.5 ** 2))
  window /= window.sum()
  values = []
  for channel in range(3):
    x, y = a[..., channel] / 255., b[..., channel] / 255.
    for i in range(x.shape[0] - 10):
      for j in range(x.shape[1] - 10):
        p, q = x[i:i + 11, j:j + 11], y[i:i + 11, j:j + 11]
        mp, mq = (window * p).sum(), (window * q).sum()
        vp, vq = (window * p * p).sum() - mp ** 2, (window * q * q).sum() - mq ** 2
        cov = (window * p * q).sum() - mp * mq
        values.append((2 * mp * mq + 1e-4) * (2 * cov + 9e-4)
                      / ((mp ** 2 + mq ** 2 + 1e-4) * (vp + vq + 9e-4)))
  return np.mean(values)


def test_psnr_by_hand():
  truth = np.full((2, 4, 4, 3), 100, np.uint8)
  other = truth.copy()
  other[0] += 51  # an error of 0.2: 10 log10(1 / 0.04) dB
  other[1] += 25
  by_hand = np.mean([10 * np.log10(1 / .2 ** 2), 10 * np.log10(1 / (25 / 255) ** 2)])
  assert psnr_ssim.psnr(other, truth) == pytest.approx(by_hand, abs=1e-4)
  assert psnr_ssim.psnr(truth, truth) == pytest.approx(80)


def test_ssim_agrees_with_its_formula():
  generated, truth = pictures()
  scores = psnr_ssim.image_scores(generated, truth)
  slow = np.mean([slow_ssim(a, b) for a, b in zip(generated, truth)])
  assert scores['ssim'] == pytest.approx(slow, abs=1e-6)


def test_lower_half_is_scored_apart():
  generated, truth = pictures(1)
  generated[:, 12:] = truth[:, 12:]
  scores = psnr_ssim.image_scores(generated, truth)
  assert scores['psnr_lower'] == pytest.approx(80)
  assert scores['psnr'] < 30
  assert scores['ssim'] < scores['ssim_lower']
  same = psnr_ssim.image_scores(truth, truth)
  assert same['ssim'] == pytest.approx(1) and same['ssim_lower'] == pytest.approx(1)
