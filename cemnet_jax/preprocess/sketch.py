"""Landmarks in a crop -> the line sketch that conditions the renderer."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.topology import EDGES

LINE_GREY = 224  # IP-LAP's colour
SUBPIXEL_BITS = 4  # positions to 1/16 px: a sketch then moves smoothly with its landmarks
_STARTS, _ENDS = np.array(EDGES).T


def draw_sketch(landmarks: Float[np.ndarray, '131 2'], size: int, antialias: bool = True
                ) -> UInt8[np.ndarray, 'size size']:
  """Grey lines on black along the edges of lips, eyes, brows, nose and the lower face oval.

  Args:
    landmarks: crop coordinates, [0, 1]; lines outside of the crop are clipped.
    size: side of the picture in px.
    antialias: False draws IP-LAP's one-pixel lines between floor(x * size), at most size - 1.
  """
  scaled = np.asarray(landmarks, np.float64) * size
  canvas = np.zeros((size, size), np.uint8)
  if antialias:
    # OpenCV's integer positions are pixel centres, ours are pixel edges.
    points, bits, kind = (scaled - 0.5) * 2 ** SUBPIXEL_BITS, SUBPIXEL_BITS, cv2.LINE_AA
  else:
    points, bits, kind = np.minimum(np.floor(scaled), size - 1), 0, cv2.LINE_8
  points = np.rint(points).astype(np.int32)
  lines = np.stack([points[_STARTS], points[_ENDS]], axis=1)
  return cv2.polylines(canvas, lines, False, LINE_GREY, 1, kind, bits)


def draw_sketches(landmarks: Float[np.ndarray, 'T 131 2'], size: int, antialias: bool = True
                  ) -> UInt8[np.ndarray, 'T size size']:
  """`draw_sketch` of every frame."""
  return np.stack([draw_sketch(points, size, antialias) for points in landmarks])
