"""Brows, eyes and mouth, drawn frame by frame at their landmarks.

Everything is drawn in a small window around the feature, in pixels of the picture; `unit` is the
number of pixels per head unit.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.synthetic.identity import Look
from cemnet_jax.topology import INNER_LIP, LEFT_BROW, LEFT_EYE, OUTER_LIP, RIGHT_BROW, RIGHT_EYE

_IRIS_RADIUS = .150
# MediaPipe's lip border lies on the skin: red starts this far from it towards the inner lip.
_LIP_EDGE = .18
_FINE_UNIT = 39.  # pixels per head unit that show every feature well
_WHITE = np.array([238, 234, 230], np.float32)
_LASH = np.array([34, 24, 22], np.float32)
_CAVITY = np.array([48, 16, 18], np.float32)
_TONGUE = np.array([172, 84, 86], np.float32)
_UPPER_TEETH = np.array([232, 227, 216], np.float32)
_LOWER_TEETH = np.array([206, 199, 188], np.float32)


class Teeth(NamedTuple):
  """Where the teeth hang in a frame, pixels: ends of the upper and of the lower row."""

  upper: Float[np.ndarray, '2 2']
  lower: Float[np.ndarray, '2 2']


class _Window:
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
    return np.round((points - self.origin) * 16).astype(np.int32)

  def area(self, outline):
    """Mask 0 to 1 of a polygon given in picture pixels."""
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [self._fixed(outline)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)

  def line(self, points, width):
    """Mask of a line; one thinner than a pixel is drawn a pixel wide and paler."""
    mask = np.zeros(self.pixels.shape[:2], np.uint8)
    pixels = max(int(round(width)), 1)
    cv2.polylines(mask, [self._fixed(points)], False, 255, pixels, cv2.LINE_AA, 4)
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


def _mix(pixels, colour, mask):
  pixels += (colour - pixels) * mask[..., None]


def _soft(mask, sigma):
  return cv2.GaussianBlur(mask, (0, 0), max(sigma, .3))


class FeaturePainter:
  """Draws the moving features of one speaker at one resolution."""

  def __init__(self, look: Look, unit: float):
    # Small pictures are drawn on enlarged and averaged: OpenCV's edges are a pixel wide.
    self.zoom = max(1, round(_FINE_UNIT / unit))
    self.unit = unit * self.zoom
    skin, hair = look.skin.astype(np.float32), look.hair.astype(np.float32)
    self.brow = .75 * hair + .10 * skin if hair.mean() > 60 else .9 * hair + .08 * skin
    self.crease = skin * .55
    self.lips = (.55 * look.lips + .40 * look.skin).astype(np.float32)
    self.iris = look.iris.astype(np.float32)
    self.lash_width = .045 if look.feminine else .030

  def draw(self, image: UInt8[np.ndarray, 'H W 3'], points: Float[np.ndarray, '131 2'],
           irises: Float[np.ndarray, '2 2'], teeth: Teeth, gap: float, tongue: float) -> None:
    """Draw brows, eyes and mouth into `image` in place."""
    points, irises = self._zoomed(points), self._zoomed(irises)
    teeth = Teeth(*map(self._zoomed, teeth))
    for brow in (RIGHT_BROW, LEFT_BROW):
      self._draw_brow(image, points[brow])
    for eye, iris in zip((RIGHT_EYE, LEFT_EYE), irises):
      self._draw_eye(image, points[eye], iris)
    self._draw_mouth(image, points[OUTER_LIP], points[INNER_LIP], teeth, gap, tongue)

  def _zoomed(self, points):
    return points * self.zoom - .5  # picture to centres of enlarged pixels

  def _draw_brow(self, image, rim):
    window = _Window(image, rim, .1 * self.unit + 2, self.zoom)
    _mix(window.pixels, self.brow, .80 * _soft(window.area(rim), .020 * self.unit))
    window.store()

  def _draw_eye(self, image, ring, iris):
    unit = self.unit
    window = _Window(image, ring, .14 * unit + 2, self.zoom)
    # The upper lid is the first nine points of either ring, corner to corner.
    lid, low = ring[:9], np.concatenate([ring[8:], ring[:1]])
    ball = np.empty_like(window.pixels)
    ball[:] = _WHITE
    _mix(ball, self.iris * .5, window.disc(iris, _IRIS_RADIUS * unit))
    _mix(ball, self.iris, window.disc(iris, .84 * _IRIS_RADIUS * unit))
    _mix(ball, np.float32([12, 12, 14]), window.disc(iris, .45 * _IRIS_RADIUS * unit))
    _mix(ball, np.float32([250, 250, 250]),
         window.disc(iris + np.array([-.045, -.05]) * unit, .034 * unit))
    shade = _soft(window.line(lid, .09 * unit), .03 * unit)
    ball *= (1 - .35 * shade)[..., None]
    _mix(window.pixels, self.crease, .45 * window.line(lid[1:-1] - [0, .085 * unit], .022 * unit))
    _mix(window.pixels, self.crease, .45 * window.line(low, .022 * unit))
    inside = window.area(ring)[..., None]
    window.pixels += (ball - window.pixels) * inside
    _mix(window.pixels, _LASH, window.line(lid, self.lash_width * unit))
    window.store()

  def _draw_mouth(self, image, outer, inner, teeth, gap, tongue):
    unit = self.unit
    window = _Window(image, outer, .16 * unit + 2, self.zoom)
    outer = outer + _LIP_EDGE * (inner - outer)
    pixels = window.pixels
    below = outer[12:19]
    whole = _soft(window.area(outer), .016 * unit)
    shadow = _soft(window.line(below + [0, .06 * unit], .07 * unit), .05 * unit)
    pixels *= (1 - .22 * shadow * (1 - whole))[..., None]
    upper = window.area(np.concatenate([outer[:11], inner[10::-1]]))
    gloss = _soft(window.line(.55 * below[1:-1] + .45 * inner[13:18], .05 * unit), .035 * unit)
    _mix(pixels, self.lips * np.float32(1.02), whole)
    pixels *= (1 - .17 * upper)[..., None]
    pixels += (24 * gloss * whole)[..., None]
    if gap > .01:
      self._draw_inside(window, inner, teeth, gap, tongue)
    seam = np.concatenate([outer[:1], inner[:11], outer[10:11]])
    _mix(pixels, self.lips * .38, .85 * window.line(seam, .030 * unit))
    window.store()

  def _draw_inside(self, window, inner, teeth, gap, tongue):
    """Teeth, tongue and the dark behind them, seen through the inner lips."""
    unit = self.unit
    inside = np.empty_like(window.pixels)
    inside[:] = _CAVITY
    up, down = np.array([0, -.3 * unit]), np.array([0, .13 * unit])
    if gap > .05:
      centre = teeth.lower.mean(0) - [0, (.02 + .16 * tongue) * unit]
      _mix(inside, _TONGUE, window.ellipse(centre, .27 * unit, .13 * unit))
    left, right = teeth.upper
    row = np.array([left + up, right + up, right + .6 * down, (left + right) / 2 + 1.1 * down,
                    left + .6 * down])
    _mix(inside, _UPPER_TEETH, window.area(row))
    left, right = teeth.lower
    row = np.array([left - up, right - up, right - .35 * down, (left + right) / 2 - .6 * down,
                    left - .35 * down])
    _mix(inside, _LOWER_TEETH, window.area(row))
    hole = window.area(inner)
    depth = .40 + .60 * np.clip((_soft(hole, .03 * unit) - .35) / .5, 0, 1)
    inside *= depth[..., None]
    window.pixels += (inside - window.pixels) * hole[..., None]
