"""Where a pixel lies relative to a face: its distance to the oval, or to the lips."""

import cv2
import numpy as np
from jaxtyping import Bool, Float
from skimage.draw import polygon

from cemnet_jax.topology import LIPS, OVAL

GROW = 0.03  # of the face's width: beyond this a pixel is no part of the face
MOUTH_GROW = 0.05  # of the face's width: creases beside the lips move with them


def face_width(landmarks: Float[np.ndarray, '131 2']) -> float:
  """Extent of the oval along x, in the unit of the landmarks."""
  return float(np.ptp(landmarks[OVAL, 0]))


def hull_distance(points: Float[np.ndarray, 'L 2'], height: int, width: int
                  ) -> Float[np.ndarray, 'H W']:
  """Distance of every pixel's centre to the points' hull, px, negative inside; within 0.8 px.

  Args:
    points: px of the picture, pixel i covering [i, i + 1).
    height, width: of the picture.
  """
  hull = cv2.convexHull(np.asarray(points, np.float32))[:, 0] - 0.5
  inside = np.zeros((height, width), np.uint8)
  inside[polygon(hull[:, 1], hull[:, 0], inside.shape)] = 1  # cv2.fillPoly adds half a pixel
  measure = lambda mask: cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
  # To the nearest pixel of the other kind, whose centre lies half a pixel beyond the line.
  return np.where(inside, 0.5 - measure(inside), measure(1 - inside) - 0.5)


def lower_face(landmarks: Float[np.ndarray, '131 2'], size: int) -> Bool[np.ndarray, 'S S']:
  """Pixels inside the oval in the lower half of a crop, which is what a renderer paints.

  Args:
    landmarks: in the crop, [0, 1].
    size: S.
  """
  return (hull_distance(landmarks[OVAL] * size, size, size) < 0) & _lower_half(size)


def beside_face(landmarks: Float[np.ndarray, '131 2'], size: int, grow: float = GROW
                ) -> Bool[np.ndarray, 'S S']:
  """Pixels of the crop's lower half farther outside the oval than `grow` widths of the face."""
  distance = hull_distance(landmarks[OVAL] * size, size, size)
  return (distance > grow * face_width(landmarks) * size) & _lower_half(size)


def mouth(landmarks: Float[np.ndarray, '131 2'], size: int, grow: float = MOUTH_GROW
          ) -> Bool[np.ndarray, 'S S']:
  """Pixels of the crop within the hull of the lips grown by `grow` widths of the face."""
  distance = hull_distance(landmarks[LIPS] * size, size, size)
  return distance < grow * face_width(landmarks) * size


def _lower_half(size):
  return (np.arange(size) >= size / 2)[:, None]
