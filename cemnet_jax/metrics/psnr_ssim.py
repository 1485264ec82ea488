"""PSNR and SSIM of videos with data range 1, as piq computes them: whole frame and lower half."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from skimage.metrics import structural_similarity

from cemnet_jax.metrics.tally import Tally

EPSILON = 1e-8  # piq's floor of the squared error: identical frames score 80 dB
BORDER = 5  # px without a full 11 x 11 window around them


def frame_psnr(generated: UInt8[np.ndarray, '*B H W C'], truth: UInt8[np.ndarray, '*B H W C']
               ) -> Float[np.ndarray, '*B']:
  """Peak signal-to-noise ratio of each frame, dB."""
  error = (np.asarray(generated, np.float64) - np.asarray(truth, np.float64)) / 255
  return -10 * np.log10((error ** 2).mean((-3, -2, -1)) + EPSILON)


def ssim_map(
    generated: UInt8[np.ndarray, 'H W C'], truth: UInt8[np.ndarray, 'H W C']) -> np.ndarray:
  """Structural similarity per pixel, (H-10, W-10): 11 x 11 Gaussian of sigma 1.5, channel mean."""
  _, similarity = structural_similarity(
    generated, truth, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True)
  return similarity.mean(-1)[BORDER:-BORDER, BORDER:-BORDER]


def image_scores(
    generated: UInt8[np.ndarray, 'T H W C'], truth: UInt8[np.ndarray, 'T H W C']
    ) -> dict[str, Tally]:
  """PSNR (dB) and SSIM of one clip, each (sum over frames, frames): `psnr`, `ssim` of the whole
  frame, `psnr_lower`, `ssim_lower` of its rows H/2 to H.

  The lower half is what the renderer draws; the rest of the frame is copied, so the whole-frame
  numbers mostly tell how much was copied.
  """
  half = generated.shape[1] // 2
  # Frame by frame: a clip in float64 is eight times the clip.
  frames = [_frame_scores(a, b, half) for a, b in zip(generated, truth, strict=True)]
  names = 'psnr', 'ssim', 'psnr_lower', 'ssim_lower'
  return {name: Tally(math.fsum(frame[i] for frame in frames), float(len(frames)))
          for i, name in enumerate(names)}


def _frame_scores(generated, truth, half):
  similarity = ssim_map(generated, truth)
  return (frame_psnr(generated, truth), similarity.mean(),
          frame_psnr(generated[half:], truth[half:]), similarity[half - BORDER:].mean())
