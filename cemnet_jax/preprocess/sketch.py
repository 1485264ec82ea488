"""Landmarks in a crop -> the line sketch that conditions the renderer."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.topology import EDGES, INNER_LIP

LINE_GREY = 224  # IP-LAP's colour
MOUTH_GREY = 112  # between the lips where they part, in filled sketches
LINES = ('smooth', 'filled', 'iplap')  # what a renderer may be trained on
SUBPIXEL_BITS = 4  # positions to 1/16 px: a sketch then moves smoothly with its landmarks
FINER = 4  # times the resolution at which a region is filled
_STARTS, _ENDS = np.array(EDGES).T


def draw_sketch(landmarks: Float[np.ndarray, '131 2'], size: int, filled: bool = False
                ) -> UInt8[np.ndarray, 'size size']:
  """Grey lines on black along the edges of lips, eyes, brows, nose and the lower face oval.

  Args:
    landmarks: crop coordinates, [0, 1]; lines outside of the crop are clipped.
    size: side of the picture in px.
    filled: the mouth is grey where it is open.
  """
  sketch = _lines(np.zeros((size, size), np.uint8), positions(landmarks, size), cv2.LINE_AA,
                  SUBPIXEL_BITS)
  if not filled:
    return sketch
  return np.maximum(sketch, cv2.convertScaleAbs(inside_mouth(landmarks, size),
                                                alpha=MOUTH_GREY / 255))


def draw_sketches(landmarks: Float[np.ndarray, 'T 131 2'], size: int, filled: bool = False
                  ) -> UInt8[np.ndarray, 'T size size']:
  """`draw_sketch` of every frame."""
  return np.stack([draw_sketch(points, size, filled) for points in landmarks])


def inside_mouth(landmarks: Float[np.ndarray, '131 2'], size: int
                 ) -> UInt8[np.ndarray, 'size size']:
  """255 within the inner lips of a face in crop coordinates, greys at the rim, 0 elsewhere."""
  return cv2.resize(fine_mouth(landmarks, size), (size, size), interpolation=cv2.INTER_AREA)


def fine_mouth(landmarks: Float[np.ndarray, '131 2'], size: int) -> UInt8[np.ndarray, 'F F']:
  """255 within the inner lips, 0 elsewhere, on F = FINER * size pixels a side.

  OpenCV fills the pixels of the rim as well, so they are small ones.
  """
  fine = size * FINER
  ring = positions(landmarks, fine)[INNER_LIP].astype(np.int32)
  return cv2.fillPoly(np.zeros((fine, fine), np.uint8), [ring], 255, cv2.LINE_8, SUBPIXEL_BITS)


def iplap_sketch(landmarks: Float[np.ndarray, '131 2'], size: int, box: Float[np.ndarray, '4']
                 ) -> UInt8[np.ndarray, 'size size']:
  """IP-LAP's sketch: jagged lines between floor(x * width), at most width - 1.

  They are drawn on a canvas of the proportions of `box` (x0, y0, x1, y1 in px), whose short side is
  `size`, and then squeezed into the square (spec 1.3).
  """
  sides = np.asarray(box[2:] - box[:2], np.float64)
  canvas = (size * sides / sides.min()).astype(int)  # width, height
  points = np.minimum(np.floor(np.asarray(landmarks, np.float64) * canvas), canvas - 1)
  drawn = _lines(np.zeros(canvas[::-1], np.uint8), points, cv2.LINE_8, 0)
  return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_LINEAR)


def positions(landmarks: Float[np.ndarray, 'N 2'], size: int) -> Float[np.ndarray, 'N 2']:
  """OpenCV's integer positions in 1 / 2**SUBPIXEL_BITS px, which are pixel centres; ours are pixel
  edges."""
  return np.rint((np.asarray(landmarks, np.float64) * size - 0.5) * 2 ** SUBPIXEL_BITS)


def _lines(canvas, points, kind, bits):
  points = points.astype(np.int32)
  lines = np.stack([points[_STARTS], points[_ENDS]], axis=1)
  return cv2.polylines(canvas, lines, False, LINE_GREY, 1, kind, bits)
