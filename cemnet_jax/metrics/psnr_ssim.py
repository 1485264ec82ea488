"""PSNR and SSIM of videos with data range 1, as piq computes them: whole frame and lower half."""

import numpy as np
from jaxtyping import UInt8
from skimage.metrics import structural_similarity

EPSILON = 1e-8  # piq's floor of the squared error: identical frames score 80 dB
BORDER = 5  # px without a full 11 x 11 window around them


def psnr(generated: UInt8[np.ndarray, '*B H W C'], truth: UInt8[np.ndarray, '*B H W C']) -> float:
  """Peak signal-to-noise ratio, dB, mean over frames."""
  error = (np.asarray(generated, np.float64) - np.asarray(truth, np.float64)) / 255
  squared = (error ** 2).mean((-3, -2, -1))
  return float(np.mean(-10 * np.log10(squared + EPSILON)))


def ssim_map(
    generated: UInt8[np.ndarray, 'H W C'], truth: UInt8[np.ndarray, 'H W C']) -> np.ndarray:
  """Structural similarity per pixel, (H-10, W-10): 11 x 11 Gaussian of sigma 1.5, channel mean."""
  _, similarity = structural_similarity(
    generated, truth, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True)
  return similarity.mean(-1)[BORDER:-BORDER, BORDER:-BORDER]


def image_scores(
    generated: UInt8[np.ndarray, 'T H W C'], truth: UInt8[np.ndarray, 'T H W C']
    ) -> dict[str, float]:
  """PSNR (dB) and SSIM, mean over frames: `psnr`, `ssim` of the frame, `*_lower` of rows H/2..H.

  The lower half is what the renderer draws; the rest of the frame is copied, so the whole-frame
  numbers mostly tell how much was copied.
  """
  half = generated.shape[1] // 2
  maps = np.stack([ssim_map(a, b) for a, b in zip(generated, truth)])
  return {
    'psnr': psnr(generated, truth), 'ssim': float(maps.mean()),
    'psnr_lower': psnr(generated[:, half:], truth[:, half:]),
    'ssim_lower': float(maps[:, half - BORDER:].mean())}
