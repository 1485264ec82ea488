"""The generated lower face goes back into the full frame: feathered, in the frame's colours."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter1d

from cemnet_jax.topology import OVAL

# All lengths in sides of the crop.
TOP = 0.5  # the generator sees the original above this line and paints below it
RAMP = 0.05  # depth over which the upper edge fades in; nine in ten upper lips lie below it
GROW = 0.035  # mask beyond the jaw, so that the old jaw line never shows
FEATHER = 0.018  # sigma of the mask's soft edge
BORDER = 0.03  # depth over which the mask fades at the crop's own edges, where a chin may reach
COLOUR_BAND = 0.08  # rows above TOP whose known pixels calibrate the generator's colours
COLOUR_SMOOTH = 0.12  # sigma along x of that calibration
MAX_TINT = 24.0  # 8-bit levels of calibration at most


def lower_face_mask(original: Float[np.ndarray, '131 2'], generated: Float[np.ndarray, '131 2'],
                    size: int) -> Float[np.ndarray, 'size size']:
  """Opacity in [0, 1] of the generated crop: both jaws' ovals below TOP, with soft edges.

  Both landmark sets are in crop coordinates: the old jaw may reach lower than the new one.
  """
  mask = np.zeros((size, size), np.uint8)
  for points in (original, generated):
    polygon = np.rint((points[OVAL] * size - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, [cv2.convexHull(polygon)], 255, cv2.LINE_AA, 4)
  radius = max(1, round(GROW * size))
  disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
  grown = cv2.dilate(mask, disc) / np.float32(255)
  soft = cv2.GaussianBlur(grown, (0, 0), max(0.5, FEATHER * size))
  rows = np.arange(size, dtype=np.float32) / size  # upper edges: enlarging leaks nothing above TOP
  ramp = np.clip((rows - TOP) / RAMP, 0, 1)
  edge = np.clip(np.minimum(rows, 1 - rows - 1 / size) / BORDER, 0, 1)
  return soft * (ramp * ramp * (3 - 2 * ramp) * edge)[:, None] * edge


def match_colour(generated: UInt8[np.ndarray, 'S S 3'], original: UInt8[np.ndarray, 'S S 3'],
                 points: Float[np.ndarray, '131 2']) -> Float[np.ndarray, 'S S 3']:
  """The generated crop plus the colour error it makes where the original is known.

  In the band above TOP the generator only has to copy; what it misses there, smoothed along x and
  inside the face, is its tint at the seam.
  """
  size = len(generated)
  rows = slice(int((TOP - COLOUR_BAND) * size), int(TOP * size))
  columns = (np.arange(size) + 0.5) / size
  low, high = points[OVAL, 0].min(), points[OVAL, 0].max()
  inside = ((columns > low) & (columns < high)).astype(np.float64)[:, None]
  error = (original[rows].astype(np.float64) - generated[rows]).mean(axis=0)  # S 3
  smooth = lambda x: gaussian_filter1d(x, COLOUR_SMOOTH * size, axis=0, mode='nearest')
  tint = smooth(error * inside) / np.maximum(smooth(inside), 1e-3)
  return generated + np.clip(tint, -MAX_TINT, MAX_TINT).astype(np.float32)


def paste(frame: UInt8[np.ndarray, 'H W 3'], box: Float[np.ndarray, '4'],
          crop: Float[np.ndarray, 'S S 3'], mask: Float[np.ndarray, 'S S'],
          ) -> UInt8[np.ndarray, 'H W 3']:
  """A copy of `frame` with `crop` blended into `box` by `mask`; other pixels keep their bits."""
  height, width = frame.shape[:2]
  x0, y0, x1, y1 = (float(v) for v in box)
  left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
  right, bottom = min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))
  out = frame.copy()
  if right <= left or bottom <= top:
    return out
  layers = np.dstack([crop, mask]).astype(np.float32)
  side = int(np.ceil(max(x1 - x0, y1 - y0)))
  if side < len(layers):  # shrink by areas before sampling between pixels
    layers = cv2.resize(layers, (side, side), interpolation=cv2.INTER_AREA)
  sx, sy = layers.shape[1] / (x1 - x0), layers.shape[0] / (y1 - y0)
  to_crop = np.array([[sx, 0, (left + 0.5 - x0) * sx - 0.5], [0, sy, (top + 0.5 - y0) * sy - 0.5]])
  place = lambda image, border: cv2.warpAffine(
    image, to_crop, (right - left, bottom - top), borderMode=border,
    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
  colours = place(layers[..., :3], cv2.BORDER_REPLICATE)
  opacity = place(layers[..., 3], cv2.BORDER_CONSTANT)[..., None]
  part = out[top:bottom, left:right]
  part[:] = np.clip(np.rint(part + opacity * (colours - part)), 0, 255).astype(np.uint8)
  return out
