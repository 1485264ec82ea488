"""Brows, eyes and mouth, drawn frame by frame at their landmarks.

Everything is drawn in a small window around the feature, in pixels of the picture; `unit` is the
number of pixels per head unit.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.synthetic.identity import Look
from cemnet_jax.preprocess.synthetic.window import Window, mix, scale, soft
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


class Glow(NamedTuple):
  """Light that falls on the features, as factors of each colour."""

  eyes: Float[np.ndarray, '2 3']
  mouth: Float[np.ndarray, '3']


class FeaturePainter:
  """Draws the moving features of one speaker at one resolution."""

  def __init__(self, look: Look, glow: Glow, unit: float):
    # Small pictures are drawn on enlarged and averaged: OpenCV's edges are a pixel wide.
    self.zoom = max(1, round(_FINE_UNIT / unit))
    self.unit = unit * self.zoom
    skin, hair = look.skin.astype(np.float32), look.hair.astype(np.float32)
    self.brow = .75 * hair + .10 * skin if hair.mean() > 60 else .9 * hair + .08 * skin
    self.brow_hair = look.brow_hair
    self.crease = skin * .55
    self.lips = look.lips.astype(np.float32)
    self.iris = look.iris.astype(np.float32)
    self.lash_width = look.lash_width
    self.glow = Glow(*(part.astype(np.float32) for part in glow))

  def draw(self, image: UInt8[np.ndarray, 'H W 3'], points: Float[np.ndarray, '131 2'],
           irises: Float[np.ndarray, '2 2'], teeth: Teeth, gap: float, tongue: float) -> None:
    """Draw brows, eyes and mouth into `image` in place."""
    points, irises = self._zoomed(points), self._zoomed(irises)
    teeth = Teeth(*map(self._zoomed, teeth))
    for brow, glow in zip((RIGHT_BROW, LEFT_BROW), self.glow.eyes):
      self._draw_brow(image, points[brow], glow)
    for eye, iris, glow in zip((RIGHT_EYE, LEFT_EYE), irises, self.glow.eyes):
      self._draw_eye(image, points[eye], iris, glow)
    self._draw_mouth(image, points[OUTER_LIP], points[INNER_LIP], teeth, gap, tongue)

  def _zoomed(self, points):
    return points * self.zoom - .5  # picture to centres of enlarged pixels

  def _draw_brow(self, image, rim, glow):
    # Its landmarks lie on the skin around the hair.
    middle = (rim + rim[::-1]) / 2
    rim = middle + self.brow_hair * (rim - middle)
    window = Window(image, rim, .1 * self.unit + 2, self.zoom)
    mix(window.pixels, self.brow * glow, .80 * soft(window.area(rim), .020 * self.unit))
    window.store()

  def _draw_eye(self, image, ring, iris, glow):
    unit = self.unit
    window = Window(image, ring, .14 * unit + 2, self.zoom)
    # The upper lid is the first nine points of either ring, corner to corner.
    lid, low = ring[:9], np.concatenate([ring[8:], ring[:1]])
    ball = np.empty_like(window.pixels)
    ball[:] = _WHITE
    mix(ball, self.iris * .5, window.disc(iris, _IRIS_RADIUS * unit))
    mix(ball, self.iris, window.disc(iris, .84 * _IRIS_RADIUS * unit))
    mix(ball, np.float32([12, 12, 14]), window.disc(iris, .45 * _IRIS_RADIUS * unit))
    mix(ball, np.float32([250, 250, 250]),
         window.disc(iris + np.array([-.045, -.05]) * unit, .034 * unit))
    shade = soft(window.line(.09 * unit, lid), .03 * unit)
    scale(ball, 1 - .35 * shade)
    ball *= glow
    crease = self.crease * glow
    fold = lid[1:-1] - [0, .085 * unit]
    mix(window.pixels, crease, .45 * window.line(.022 * unit, fold, low))
    ball -= window.pixels
    scale(ball, window.area(ring))
    window.pixels += ball
    mix(window.pixels, _LASH, window.line(self.lash_width * unit, lid))
    window.store()

  def _draw_mouth(self, image, outer, inner, teeth, gap, tongue):
    unit = self.unit
    window = Window(image, outer, .16 * unit + 2, self.zoom)
    outer = outer + _LIP_EDGE * (inner - outer)
    pixels = window.pixels
    below = outer[12:19]
    whole = soft(window.area(outer), .016 * unit)
    shadow = soft(window.line(.07 * unit, below + [0, .06 * unit]), .05 * unit)
    scale(pixels, 1 - .22 * shadow * (1 - whole))
    upper = window.area(np.concatenate([outer[:11], inner[10::-1]]))
    gloss = soft(window.line(.05 * unit, .55 * below[1:-1] + .45 * inner[13:18]), .035 * unit)
    lips = self.lips * self.glow.mouth
    mix(pixels, lips, whole)
    scale(pixels, 1 - .17 * upper)
    shine = 24 * gloss * whole
    pixels += cv2.merge([shine, shine, shine])
    if gap > .01:
      self._draw_inside(window, inner, teeth, gap, tongue)
    seam = np.concatenate([outer[:1], inner[:11], outer[10:11]])
    dark = .85 - .45 * min(gap / .15, 1)  # parted lips have no seam but their own shadow
    mix(pixels, lips * .38, dark * window.line(.030 * unit, seam))
    window.store()

  def _draw_inside(self, window, inner, teeth, gap, tongue):
    """Teeth, tongue and the dark behind them, seen through the inner lips."""
    unit = self.unit
    inside = np.empty_like(window.pixels)
    inside[:] = _CAVITY
    if gap > .05:
      centre = teeth.lower.mean(0) - [0, (.02 + .16 * tongue) * unit]
      mix(inside, _TONGUE, window.ellipse(centre, .27 * unit, .13 * unit))
    self._draw_row(window, inside, teeth.upper, _UPPER_TEETH, -.30, .13)
    self._draw_row(window, inside, teeth.lower, _LOWER_TEETH, .30, -.06)
    hole = window.area(inner)
    depth = .40 + .60 * np.clip((soft(hole, .03 * unit) - .35) / .5, 0, 1)
    scale(inside, depth)
    inside *= self.glow.mouth
    inside -= window.pixels
    scale(inside, hole)
    window.pixels += inside

  def _draw_row(self, window, inside, ends, colour, root, edge):
    """One row of teeth between `ends`: an arch whose sides are higher, darker and further away.

    root, edge: heights of the gum's end and of the cutting edge at the middle, head units, + down.
    """
    unit, (left, right) = self.unit, ends
    middle, half = (left + right) / 2, (right - left) / 2
    along = np.linspace(-1, 1, 13)[:, None]
    cutting = middle + half * along + [0, edge * unit] * (1 - .55 * along ** 2)
    gum = np.array([right, left]) + [0, root * unit]
    mask = window.area(np.concatenate([cutting, gum]))
    across = (np.arange(mask.shape[1], dtype=np.float32) - np.float32(
      middle[0] - window.origin[0])) / np.float32(half[0])
    row = colour * (1 - .55 * np.clip(np.abs(across), 0, 1.2) ** 2.2)[None, :, None]
    gaps = [np.array([point, point + [0, root * unit]]) for point in cutting[2:-1:2]]
    mask *= 1 - .22 * window.line(.012 * unit, *gaps)
    row = row - inside
    scale(row, mask)
    inside += row
