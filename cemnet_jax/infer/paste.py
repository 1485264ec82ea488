"""The generated lower face goes back into the full frame: feathered, in the frame's colours."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import gaussian_filter1d

from cemnet_jax.topology import OVAL

# All lengths in sides of the crop.
TOP = 0.5  # the generator sees the original above this line and paints below it
RAMP = 0.05  # depth over which the upper edge fades in; nine in ten upper lips lie below it
GROW_REST = 0.006  # mask beyond the real face's oval where its jaw rests
GROW_MOVED = 1.0  # and more by so much of the way that the jaw goes there
GROW = 0.035  # at most
FEATHER = 0.012  # sigma of the mask's soft edge
BORDER = 0.03  # depth over which the mask fades at the crop's own edges, where a chin may reach
COLOUR_BAND = 0.08  # rows above TOP whose known pixels calibrate the generator's colours
COLOUR_SMOOTH = 0.12  # sigma along x of that calibration
MAX_TINT = 24.0  # 8-bit levels of calibration at most
MIN_OPACITY = 1e-3  # below it a pixel stays as it is
MOSTLY = 0.5  # opacity from which a pixel is more the generator's than the frame's

Region = tuple[int, int, int, int]  # left, top, right, bottom of pixels in a frame


def lower_face_mask(original: Float[np.ndarray, '131 2'], generated: Float[np.ndarray, '131 2'],
                    size: int, drawn: Float[np.ndarray, 'S S'] | None = None,
                    ) -> Float[np.ndarray, 'size size']:
  """Opacity in [0, 1] of the generated crop: the face below TOP, with soft edges.

  What is neither the real face nor, by `drawn`, a place where the generated crop shows one keeps
  its pixels. Around it the mask grows with the way that the jaw goes, so that neither the old jaw
  line shows nor the new one is cut; a jaw that rests moves nothing beside it.

  Args:
    original: landmarks of the face that is painted over, in the crop.
    generated: those of the face that is painted.
    drawn: how much of each of the generated crop's pixels is face, in [0, 1].
  """
  real, asked = _oval(original, size), _oval(generated, size)
  mask = face_mask(original, size)
  if drawn is not None:
    mask = np.maximum(mask, cv2.resize(np.rint(drawn * 255).astype(np.uint8), (size, size)))
  way = np.linalg.norm(generated[OVAL] - original[OVAL], axis=1)
  reach = np.minimum(GROW_REST + GROW_MOVED * way, GROW) * size
  for line in (real, asked) if drawn is None else (real,):
    for i in range(len(OVAL) - 1):
      cv2.line(mask, line[i], line[i + 1], 255, max(1, round(reach[i] + reach[i + 1])),
               cv2.LINE_AA, 4)
  soft = cv2.GaussianBlur(mask / np.float32(255), (0, 0), max(0.5, FEATHER * size))
  rows = np.arange(size, dtype=np.float32) / size  # upper edges: enlarging leaks nothing above TOP
  ramp = np.clip((rows - TOP) / RAMP, 0, 1)
  edge = np.clip(np.minimum(rows, 1 - rows - 1 / size) / BORDER, 0, 1)
  return soft * (ramp * ramp * (3 - 2 * ramp) * edge)[:, None] * edge


def pasted_region(original: Float[np.ndarray, '131 2'], size: int
                  ) -> Bool[np.ndarray, 'size size']:
  """Pixels of a crop that are mostly the generator's whatever face it draws.

  The mask of `lower_face_mask` only grows with the way of the jaw and with `drawn`, so where a face
  at rest is painted over itself, every other one is too.

  Args:
    original: landmarks of the face that is painted over, in the crop.
  """
  return lower_face_mask(original, original, size) >= MOSTLY


def face_mask(landmarks: Float[np.ndarray, '131 2'], size: int) -> UInt8[np.ndarray, 'size size']:
  """255 inside the face's oval, 0 outside, with smooth edges; landmarks in the crop."""
  mask = np.zeros((size, size), np.uint8)
  return cv2.fillPoly(mask, [cv2.convexHull(_oval(landmarks, size))], 255, cv2.LINE_AA, 4)


def _oval(landmarks, size):
  """Its points in sixteenths of a pixel."""
  return np.rint((landmarks[OVAL] * size - 0.5) * 16).astype(np.int32)


def tint(generated: Float[np.ndarray, 'S S 3'], original: Float[np.ndarray, 'S S 3'],
         points: Float[np.ndarray, '131 2']) -> Float[np.ndarray, 'S 3']:
  """What the generated crop's colours lack where the original is known, for each column.

  In the band above TOP the generator only has to copy; what it misses there, smoothed along x and
  inside the face, is its tint at the seam. Both crops in 8-bit levels.
  """
  size = len(generated)
  rows = slice(int((TOP - COLOUR_BAND) * size), int(TOP * size))
  columns = (np.arange(size) + 0.5) / size
  low, high = points[OVAL, 0].min(), points[OVAL, 0].max()
  inside = ((columns > low) & (columns < high)).astype(np.float64)[:, None]
  error = (original[rows].astype(np.float64) - generated[rows]).mean(axis=0)  # S 3
  smooth = lambda x: gaussian_filter1d(x, COLOUR_SMOOTH * size, axis=0, mode='nearest')
  missing = smooth(error * inside) / np.maximum(smooth(inside), 1e-3)
  return np.clip(missing, -MAX_TINT, MAX_TINT).astype(np.float32)


def paste(frame: UInt8[np.ndarray, 'H W 3'], box: Float[np.ndarray, '4'],
          crop: Float[np.ndarray, 'S S 3'], mask: Float[np.ndarray, 'M M'],
          ) -> UInt8[np.ndarray, 'H W 3']:
  """A copy of `frame` with `crop` blended into `box` by `mask`; other pixels keep their bits."""
  region = region_of(frame, box, mask)
  if region is None:
    return frame.copy()
  layers = crop.astype(np.float32)
  side = int(np.ceil((box[2:] - box[:2]).max()))
  if side < len(layers):  # shrink by areas before sampling between pixels
    layers = cv2.resize(layers, (side, side), interpolation=cv2.INTER_AREA)
  return blend(frame, region, enlarger(len(layers), box, region)(layers),
               enlarger(len(mask), box, region)(mask))


def region_of(frame: UInt8[np.ndarray, 'H W 3'], box: Float[np.ndarray, '4'],
              mask: Float[np.ndarray, 'M M']) -> Region | None:
  """The pixels of the frame that `mask`, laid over `box`, may change; None if there are none."""
  extent, ends = box[2:] - box[:2], []
  for axis in (0, 1):  # x, y
    painted = np.flatnonzero(mask.max(axis=axis) > MIN_OPACITY)
    if not len(painted):
      return None
    around = np.array([painted[0] - 1, painted[-1] + 2]) / len(mask)  # half of a pixel leaks
    low, high = box[axis] + extent[axis] * np.clip(around, 0, 1)
    ends.append((max(0, int(np.floor(low))), min(frame.shape[1 - axis], int(np.ceil(high)))))
  (left, right), (top, bottom) = ends
  return (left, top, right, bottom) if left < right and top < bottom else None


def enlarger(size: int, box: Float[np.ndarray, '4'], region: Region):
  """(a crop (size, size, ...), interpolation) -> the pixels of `region` of what lies in `box`."""
  left, top, right, bottom = region
  (x0, y0), (x1, y1) = np.float64(box[:2]), np.float64(box[2:])
  sx, sy = size / (x1 - x0), size / (y1 - y0)
  to_crop = np.array([[sx, 0, (left + 0.5 - x0) * sx - 0.5], [0, sy, (top + 0.5 - y0) * sy - 0.5]])
  return lambda crop, how=cv2.INTER_LINEAR: cv2.warpAffine(
    crop, to_crop, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE,
    flags=how | cv2.WARP_INVERSE_MAP)


def blend(frame: UInt8[np.ndarray, 'H W 3'], region: Region, colours: Float[np.ndarray, 'h w 3'],
          opacity: Float[np.ndarray, 'h w']) -> UInt8[np.ndarray, 'H W 3']:
  """A copy of `frame` with colours (8-bit levels) laid over a region."""
  left, top, right, bottom = region
  out = frame.copy()
  part = out[top:bottom, left:right]
  part[:] = np.clip(np.rint(part + opacity[..., None] * (colours - part)), 0, 255).astype(np.uint8)
  return out
