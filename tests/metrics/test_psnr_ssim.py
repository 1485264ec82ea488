import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cemnet_jax.metrics import psnr_ssim
from cemnet_jax.metrics.tally import mean, merge


def pictures(seed=0, shape=(2, 24, 30, 3)):
  rng = np.random.default_rng(seed)
  truth = rng.integers(0, 256, shape).astype(np.uint8)
  noisy = np.clip(truth.astype(int) + rng.integers(-40, 41, shape), 0, 255).astype(np.uint8)
  return noisy, truth


def lower(truth):
  region = np.zeros(truth.shape[:3], bool)
  region[:, truth.shape[1] // 2:] = True
  return region


def means(generated, truth):
  return {k: mean(v) for k, v in psnr_ssim.image_scores(generated, truth, lower(truth)).items()}


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
  assert psnr_ssim.frame_psnr(other, truth).mean() == pytest.approx(by_hand, abs=1e-4)
  assert psnr_ssim.frame_psnr(truth, truth).mean() == pytest.approx(80)


def test_ssim_agrees_with_its_formula():
  generated, truth = pictures()
  scores = means(generated, truth)
  slow = np.mean([slow_ssim(a, b) for a, b in zip(generated, truth)])
  assert scores['ssim'] == pytest.approx(slow, abs=1e-6)


def test_a_region_is_scored_apart():
  generated, truth = pictures(1)
  generated[:, 12:] = truth[:, 12:]
  scores = means(generated, truth)
  assert scores['psnr_region'] == pytest.approx(80)
  assert scores['psnr'] < 30
  assert scores['ssim'] < scores['ssim_region']
  same = means(truth, truth)
  assert same['ssim'] == pytest.approx(1) and same['ssim_region'] == pytest.approx(1)


def test_a_region_without_pixels_counts_nothing():
  generated, truth = pictures(1)
  region = lower(truth)
  region[0] = False
  scores = psnr_ssim.image_scores(generated, truth, region)
  assert scores['psnr'].count == 2 and scores['psnr_region'].count == 1
  second = psnr_ssim.image_scores(generated[1:], truth[1:], region[1:])
  assert scores['psnr_region'] == second['psnr_region']
  assert scores['ssim_region'] == second['ssim_region']


def test_psnr_agrees_with_skimage_frame_by_frame():
  generated, truth = pictures(2)
  slow = [peak_signal_noise_ratio(b, a, data_range=255) for a, b in zip(generated, truth)]
  assert psnr_ssim.frame_psnr(generated, truth) == pytest.approx(slow, abs=1e-4)
  assert means(generated, truth)['psnr'] == pytest.approx(np.mean(slow), abs=1e-4)


def test_scores_of_a_region_are_those_of_its_pixels():
  generated, truth = pictures(5)
  _, whole = structural_similarity(
    generated[0], truth[0], data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True)
  region = np.random.default_rng(0).random(truth.shape[:3]) > .6
  scores = {k: mean(v) for k, v in psnr_ssim.image_scores(
    generated[:1], truth[:1], region[:1]).items()}
  inner = region[0, 5:-5, 5:-5]
  assert scores['ssim_region'] == pytest.approx(whole[5:-5, 5:-5][inner].mean())
  assert scores['ssim'] == pytest.approx(whole[5:-5, 5:-5].mean())
  slow = peak_signal_noise_ratio(truth[0][region[0]], generated[0][region[0]], data_range=255)
  assert scores['psnr_region'] == pytest.approx(slow, abs=1e-4)


def test_parts_of_a_clip_merge_to_the_whole():
  generated, truth = pictures(3, (5, 24, 30, 3))
  region = lower(truth)
  whole = psnr_ssim.image_scores(generated, truth, region)
  parts = [psnr_ssim.image_scores(generated[s], truth[s], region[s])
           for s in (slice(0, 1), slice(1, 5))]
  for name, tally in whole.items():
    merged = merge(part[name] for part in parts)
    assert merged.count == tally.count == 5
    assert merged.total == pytest.approx(tally.total, rel=1e-14)


def test_a_clip_cut_short_is_no_pair():
  generated, truth = pictures(4)
  with pytest.raises(ValueError):
    psnr_ssim.image_scores(generated[:1], truth, lower(truth))
