"""PSNR and SSIM of videos with data range 1, as piq computes them: whole frames and a region."""

import math

import numpy as np
from jaxtyping import Bool, Float, UInt8
from skimage.metrics import structural_similarity

from cemnet_jax.metrics.tally import Tally, merge, one

EPSILON = 1e-8  # piq's floor of the squared error: identical frames score 80 dB
BORDER = 5  # px without a full 11 x 11 window around them


def frame_psnr(generated: UInt8[np.ndarray, '*B H W C'], truth: UInt8[np.ndarray, '*B H W C']
               ) -> Float[np.ndarray, '*B']:
  """Peak signal-to-noise ratio of each frame, dB."""
  return _psnr(_squared_error(generated, truth).mean((-2, -1)))


def ssim_map(
    generated: UInt8[np.ndarray, 'H W C'], truth: UInt8[np.ndarray, 'H W C']) -> np.ndarray:
  """Structural similarity per pixel, (H-10, W-10): 11 x 11 Gaussian of sigma 1.5, channel mean."""
  _, similarity = structural_similarity(
    generated, truth, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True)
  return similarity.mean(-1)[BORDER:-BORDER, BORDER:-BORDER]


def image_scores(
    generated: UInt8[np.ndarray, 'T H W C'], truth: UInt8[np.ndarray, 'T H W C'],
    region: Bool[np.ndarray, 'T H W']) -> dict[str, Tally]:
  """PSNR (dB) and SSIM of one clip, each (sum over frames, frames): `psnr`, `ssim` of the whole
  frame, `psnr_region`, `ssim_region` of the pixels of `region` (SSIM's windows reach beyond them).

  Most of a frame is copied, so the whole-frame numbers mostly tell how much was. A frame whose
  region has no pixels, or none with a whole window around them, is not counted there.
  """
  # Frame by frame: a clip in float64 is eight times the clip.
  frames = [_frame_scores(*frame) for frame in zip(generated, truth, region, strict=True)]
  names = 'psnr', 'ssim', 'psnr_region', 'ssim_region'
  return {name: merge(one(frame[i]) for frame in frames) for i, name in enumerate(names)}


def _frame_scores(generated, truth, region):
  similarity, error = ssim_map(generated, truth), _squared_error(generated, truth)
  inner = region[BORDER:-BORDER, BORDER:-BORDER]
  return (_psnr(error.mean()), similarity.mean(),
          _psnr(error[region].mean()) if region.any() else math.nan,
          similarity[inner].mean() if inner.any() else math.nan)


def _squared_error(generated, truth):
  """Of each pixel, mean of its channels, data range 1."""
  error = (np.asarray(generated, np.float64) - np.asarray(truth, np.float64)) / 255
  return (error ** 2).mean(-1)


def _psnr(error):
  return -10 * np.log10(error + EPSILON)
