"""A square picture addressed in head units: soft shapes, lines and noise to paint with."""

import copy

import cv2
import numpy as np

from cemnet_jax.preprocess.synthetic.geometry import CENTRE_Y, VIEW
from cemnet_jax.preprocess.synthetic.shape import Shape

LATTICE = 256  # random textures are drawn on this grid and resized


class Canvas:
  """A square picture addressed in head units: x, y grids, soft shapes, blur, noise."""

  def __init__(self, size: int, random: np.random.Generator):
    self.size, self.unit = size, size / VIEW  # unit: pixels per head unit
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    self.x = (columns + .5) / self.unit - VIEW / 2
    self.y = (rows + .5) / self.unit - CENTRE_Y * VIEW
    self.random = random

  def bent(self, shape: Shape) -> 'Canvas':
    """The same picture, its soft shapes and lights bent as `shape` bends the face's plane."""
    other = copy.copy(self)
    points = shape.unsettle(np.stack([self.x, self.y], -1)).astype(np.float32)
    other.x, other.y = points[..., 0], points[..., 1]
    return other

  def spot(self, cx, cy, sx, sy, turn=0.):
    """Gaussian spot turned by `turn` radians."""
    dx, dy = self.x - np.float32(cx), self.y - np.float32(cy)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return np.exp(-((dx * cos + dy * sin) / np.float32(sx)) ** 2
                  - ((dy * cos - dx * sin) / np.float32(sy)) ** 2)

  def spots(self, cx, cy, sx, sy, turn=0.):
    """The spot and its mirror image."""
    return self.spot(cx, cy, sx, sy, turn) + self.spot(-cx, cy, sx, sy, -turn)

  def blur(self, image, sigma):
    """Gaussian blur, sigma in head units."""
    return cv2.GaussianBlur(image, (0, 0), max(sigma * self.unit, .3))

  def area(self, outline, soft=.015):
    """Mask 0 to 1 of the polygon `outline` (n,2) with an edge `soft` head units wide."""
    mask = np.zeros((self.size, self.size), np.uint8)
    pixels = (np.asarray(outline) + np.array([VIEW / 2, CENTRE_Y * VIEW])) * self.unit - .5
    cv2.fillPoly(mask, [np.round(pixels * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return self.blur(mask.astype(np.float32) / 255, soft)

  def noise(self, sigma_x, sigma_y=None):
    """Smooth unit-variance noise with the given correlation lengths in head units."""
    grain = self.random.normal(0, 1, (LATTICE, LATTICE)).astype(np.float32)
    scale = LATTICE / VIEW
    grain = cv2.GaussianBlur(grain, (0, 0), sigmaX=max(sigma_x * scale, .3),
                             sigmaY=max((sigma_y or sigma_x) * scale, .3))
    grain /= grain.std()
    return cv2.resize(grain, (self.size, self.size), interpolation=cv2.INTER_CUBIC)


def over(image, colour, mask):
  """Lay `colour` over an RGBA float image in place (alpha in the last channel)."""
  mask = mask[..., None]
  image[..., :3] = image[..., :3] * (1 - mask) + colour * mask
  image[..., 3:] = image[..., 3:] * (1 - mask) + mask
