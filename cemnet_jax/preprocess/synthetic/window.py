"""A small part of a picture that features are drawn in, enlarged where the picture is small."""

import cv2
import numpy as np


class Window:
  """A part of the picture that holds `points` with a margin, `zoom` times enlarged to draw in."""

  def __init__(self, image, points, margin, zoom):
    size = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor((points.min(0) - margin) / zoom).astype(int), 0, size - 1)
    high = np.clip(np.ceil((points.max(0) + margin) / zoom).astype(int) + 1, low + 1, size)
    self.origin = low * zoom
    self.target = image[low[1]:high[1], low[0]:high[0]]
    self.pixels = self.before = self.target.astype(np.float32)
    if zoom > 1:
      self.before = cv2.resize(self.pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
      self.pixels = self.before.copy()

  def _fixed(self, points):
    return np.rint((points - self.origin) * 16).astype(np.int32)

  def area(self, *outlines):
    """Mask 0 to 1 of polygons given in picture pixels."""
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [self._fixed(outline) for outline in outlines], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)

  def line(self, width, *lines):
    """Mask of lines; those thinner than a pixel are drawn a pixel wide and paler."""
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    pixels = max(int(round(width)), 1)
    lines = [self._fixed(points) for points in lines]
    cv2.polylines(mask, lines, False, 255, pixels, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(min(width, 1.) / 255)

  def disc(self, centre, radius):
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    at = tuple(int(v) for v in self._fixed(np.asarray(centre)))
    cv2.circle(mask, at, int(round(radius * 16)), 255, -1, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)

  def ellipse(self, centre, radius_x, radius_y):
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    at = tuple(int(v) for v in self._fixed(np.asarray(centre)))
    axes = (max(int(radius_x * 16), 1), max(int(radius_y * 16), 1))
    cv2.ellipse(mask, at, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)

  def store(self):
    """Put the drawing into the picture; what was not drawn on keeps its exact value."""
    if self.pixels.shape != self.target.shape:
      height, width = self.target.shape[:2]
      change = cv2.resize(self.pixels - self.before, (width, height), interpolation=cv2.INTER_AREA)
      self.pixels = self.target + change
    self.target[:] = np.clip(self.pixels + .5, 0, 255)


def mix(pixels, colour, mask):
  """Lay `colour` over float pixels in place, as far as `mask` says."""
  change = cv2.subtract((*map(float, colour), 0.), pixels)  # NumPy is slow where 3 numbers repeat
  change *= cv2.merge([mask, mask, mask])
  pixels += change


def scale(pixels, factor):
  """Multiply float pixels in place by a picture of factors."""
  pixels *= cv2.merge([factor, factor, factor])


def soft(mask, sigma):
  """Gaussian blur, sigma in pixels."""
  return cv2.GaussianBlur(mask, (0, 0), max(sigma, .3))
