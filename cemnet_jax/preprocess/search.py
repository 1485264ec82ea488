"""Faces that are too small for MediaPipe in the whole picture: found in parts of it.

MediaPipe looks for faces in a picture shrunk to 128 px, where they have to be some 20 px wide.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, UInt8

LEAST_SIDE = 256  # px of a part's side; a smaller one adds nothing to a whole picture of that size
AROUND = 3.0  # sides of the face to look in around it, so that it is neither cut nor too small
EVERY = 5  # frames of a video without a face between two searches of all parts (0.2 s)

Detect = Callable[[UInt8[np.ndarray, 'H W 3']], Float[np.ndarray, 'F 131 2']]


class Search:
  """`search(rgb)` is `detect(rgb)`, and looks closer where that finds nothing.

  Call it with the frames of one video in order, or with one picture.
  """

  def __init__(self, detect: Detect):
    self._detect, self._last, self._missed = detect, None, 0

  def __call__(self, rgb: UInt8[np.ndarray, 'H W 3']) -> Float[np.ndarray, 'F 131 2']:
    """The faces found, in px."""
    found = self._detect(rgb)
    if not len(found) and self._last is not None:
      found = self._within(rgb, _around(self._last))
    if not len(found):
      found = self._in_parts(rgb)
    if len(found):
      self._last, self._missed = found[np.ptp(found[:, :, 0], axis=1).argmax()], 0
    return found

  def _in_parts(self, rgb):
    self._missed += 1
    if self._missed % EVERY != 1:
      return self._within(rgb, (0, 0, 0, 0))
    for part in _parts(*rgb.shape[:2]):
      found = self._within(rgb, part)
      if len(found):
        largest = found[np.ptp(found[:, :, 0], axis=1).argmax()]
        closer = self._within(rgb, _around(largest))  # its part may have cut it
        return closer if len(closer) else found
    return self._within(rgb, (0, 0, 0, 0))

  def _within(self, rgb, part):
    left, top, right, bottom = np.clip(part, 0, (*rgb.shape[1::-1], *rgb.shape[1::-1]))
    if min(right - left, bottom - top) < 1:
      return np.zeros((0, 131, 2), np.float32)
    return self._detect(np.ascontiguousarray(rgb[top:bottom, left:right])) + np.float32([left, top])


def _around(face) -> tuple[int, int, int, int]:
  """Left, top, right, bottom of a square around a face."""
  low, high = face.min(axis=0), face.max(axis=0)
  side = AROUND * (high - low).max()
  left, top = (low + high - side) / 2
  return int(left), int(top), int(left + side), int(top + side)


def _parts(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
  """Squares as high as the picture, then half as high, each half over the next."""
  for side in (min(height, width), min(height, width) // 2):
    if side < LEAST_SIDE:
      return
    for top in _starts(height, side):
      for left in _starts(width, side):
        if side < max(height, width):  # the whole was looked at before
          yield left, top, left + side, top + side


def _starts(length: int, side: int) -> list[int]:
  count = max(1, -(-2 * (length - side) // side) + 1)
  return np.linspace(0, length - side, count).astype(int).tolist()
