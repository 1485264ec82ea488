"""How much fine detail pictures hold: their mean absolute Laplacian."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

FACE_SIZE = 256  # px of the crops that are compared: detail finer than that is not asked for


def sharpness(pictures: UInt8[np.ndarray, 'T S S 3'], regions: Bool[np.ndarray, 'T S S'],
              ) -> Float[np.ndarray, ' T']:
  """Mean absolute Laplacian of the luma over the region of each picture, grey levels.

  The four-neighbour Laplacian of BT.601 luma, not rounded to bytes; NaN where a region is empty.
  It grows with noise and with compression's blocks as with texture, so it says something only as a
  ratio to the same region of a reference that was recorded alike.
  """
  return np.array([_one(*pair) for pair in zip(pictures, regions, strict=True)])


def _one(picture, region):
  luma = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY)
  detail = np.abs(cv2.Laplacian(luma, cv2.CV_32F, ksize=1))[region]
  return float(detail.mean(dtype=np.float64)) if len(detail) else float('nan')
