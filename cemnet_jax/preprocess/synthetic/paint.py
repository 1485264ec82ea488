"""The still paintings of a synthetic speaker: skin, hair, wrinkles, body and background.

All are painted once in the resting head frame; `render.py` bends them to each frame's landmarks.
Every size and random lattice is in head units, so a picture has the same content at any size.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.geometry import CENTRE_Y, OVAL_FLESH, VIEW
from cemnet_jax.preprocess.synthetic.hair import paint_hair
from cemnet_jax.preprocess.synthetic.identity import TEXTURE_STREAM, Identity, stream
from cemnet_jax.topology import OVAL

WRINKLES = ('fold_right', 'fold_left', 'forehead', 'frown', 'nose', 'crow', 'chin')
_LATTICE = 256  # random textures are drawn on this grid and resized


class Painting(NamedTuple):
  """Still layers; `head` is premultiplied by its alpha, its last channel."""

  scene: Float[np.ndarray, 'H W 3']
  head: Float[np.ndarray, 'H W 4']
  wrinkles: Float[np.ndarray, '7 H W']


class Canvas:
  """A square picture addressed in head units: x, y grids, soft shapes, blur, noise."""

  def __init__(self, size: int, random: np.random.Generator):
    self.size, self.unit = size, size / VIEW  # unit: pixels per head unit
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    self.x = (columns + .5) / self.unit - VIEW / 2
    self.y = (rows + .5) / self.unit - CENTRE_Y * VIEW
    self.random = random

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
    grain = self.random.normal(0, 1, (_LATTICE, _LATTICE)).astype(np.float32)
    scale = _LATTICE / VIEW
    grain = cv2.GaussianBlur(grain, (0, 0), sigmaX=max(sigma_x * scale, .3),
                             sigmaY=max((sigma_y or sigma_x) * scale, .3))
    grain /= grain.std()
    return cv2.resize(grain, (self.size, self.size), interpolation=cv2.INTER_CUBIC)


def over(image, colour, mask):
  """Lay `colour` over an RGBA float image in place (alpha in the last channel)."""
  mask = mask[..., None]
  image[..., :3] = image[..., :3] * (1 - mask) + colour * mask
  image[..., 3:] = image[..., 3:] * (1 - mask) + mask


def _relief(canvas: Canvas, shape) -> np.ndarray:
  """Height of the face above the picture plane."""
  x, y, nose = canvas.x, canvas.y, shape.nose_length
  height = 2.1 * np.sqrt(np.clip(1 - (x / 2.05) ** 2 * .9 - ((y - .5) / 3.0) ** 2 * .85, 0, 1))
  bridge = np.exp(-(x / .20) ** 2) / (1 + np.exp(-(y - .05) / .14))
  tip = np.exp(-np.clip(y - (.78 + nose), 0, 9) ** 2 / .05)
  height += .36 * shape.nose_height * bridge * tip * (.35 + .65 * np.clip(y / .8, 0, 1))
  height += .15 * canvas.spot(0, .80 + nose, .25 * shape.nose_width, .20)
  height += .13 * canvas.spots(.25 * shape.nose_width, .86 + nose, .12, .12)
  height += .05 * canvas.spot(0, -.40, 1.3, .20) - .09 * canvas.spots(.68, .10, .38, .24)
  height += .10 * canvas.spots(1.05, .85, .45, .35)
  height += .12 * canvas.spot(0, 1.70 + shape.mouth_y, .55, .30)
  height += .13 * canvas.spot(0, 2.50 + shape.chin, .42, .28)
  height += -.07 * canvas.spot(0, 2.12, .45, .12) - .04 * canvas.spot(0, 1.25, .06, .16)
  height += .035 * canvas.spots(.62, 1.25, .09, .42, -.45)
  return canvas.blur(height.astype(np.float32), .03)


def _light(canvas: Canvas, height, direction) -> tuple[np.ndarray, np.ndarray]:
  """Diffuse and specular light on a relief."""
  slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=canvas.unit / 8)
  slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=canvas.unit / 8)
  normal = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], -1)
  normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
  light = direction / np.linalg.norm(direction)
  half = light + [0, 0, 1]
  half = half / np.linalg.norm(half)
  diffuse = np.clip(normal @ light.astype(np.float32), 0, 1)
  return diffuse, np.clip(normal @ half.astype(np.float32), 0, 1) ** 24


def _beard(canvas: Canvas, look) -> np.ndarray:
  x, y = canvas.x, canvas.y
  edge = 1.42 - np.clip(np.abs(x) - .75, 0, 1)  # the beard rises towards the ears
  grown = np.exp(-np.clip(edge - y, 0, 9) ** 2 / .03)
  grown = np.where((y < 1.30) & (np.abs(x) < 1.0), 0, grown).astype(np.float32)
  return look.beard * canvas.blur(grown, .06) * np.clip(.85 + .2 * canvas.noise(.02), .3, 1.2)


def _skin(canvas: Canvas, identity: Identity) -> np.ndarray:
  """Lit skin, RGB."""
  shape, look, y = identity.shape, identity.look, canvas.y
  albedo = np.broadcast_to(look.skin.astype(np.float32), (*y.shape, 3)).copy()
  flush = (.6 * canvas.spots(.95, .95, .42, .34) + .5 * canvas.spot(0, .82, .26, .2)
           + .2 * canvas.spot(0, 2.5, .5, .3))
  albedo *= 1 + flush[..., None] * np.array([.03, -.08, -.07], np.float32)
  socket = .07 * canvas.spots(.68, .38, .34, .10) + .03 * canvas.spots(.66, -.04, .36, .08)
  albedo *= (1 - socket)[..., None]
  albedo *= (1 + .012 * canvas.noise(.025) + .012 * canvas.noise(.2))[..., None]
  if look.freckles:
    marks = np.zeros(y.shape, np.float32)
    where = canvas.random.normal([0, .72], [.75, .25], (60, 2))
    for (across, down), strength in zip(where, canvas.random.uniform(.2, 1, 60)):
      marks = np.maximum(marks, strength * canvas.spot(across, down, .022, .022))
    albedo *= (1 - .22 * look.freckles * marks)[..., None]
  if look.beard:
    grown = np.clip(_beard(canvas, look), 0, 1)[..., None]
    albedo = albedo * (1 - grown) + look.hair.astype(np.float32) * .9 * grown
  diffuse, gloss = _light(canvas, _relief(canvas, shape), look.light)
  # Shadows on skin are warm: blue falls off faster than red.
  shade = .50 + .56 * diffuse[..., None] ** np.array([.9, 1.0, 1.08], np.float32)
  skin = albedo * shade + 26 * gloss[..., None] * np.array([1, .96, .9], np.float32)
  for side in (-1, 1):
    nostril = canvas.spot(side * .15 * shape.nose_width, .95 + shape.nose_length, .085, .045,
                          side * .25)
    skin *= (1 - .62 * np.clip(1.3 * nostril, 0, 1))[..., None]
  return np.clip(skin, 0, 255)


def _head(canvas: Canvas, identity: Identity, rest: np.ndarray) -> np.ndarray:
  look, skin = identity.look, _skin(canvas, identity)
  beside, below = OVAL_FLESH
  down = np.clip((rest[OVAL, 1:2] - 1.) / 1.6, 0, 1)
  oval = rest[OVAL, :2] * [1 + beside, 1] + below * down * [0, 1]
  angle = np.linspace(0, np.pi, 31)[1:-1]
  skull = np.stack([oval[-1, 0] * np.cos(angle) * (1 - .03 * np.sin(2 * angle) ** 2),
                    -.19 - 1.82 * np.sin(angle) ** .9], -1)
  face = canvas.area(np.concatenate([oval, skull]), .018)
  angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
  ears = np.zeros_like(face)
  for side in (-1, 1):
    ring = np.stack([.19 * np.cos(angle) + .03 * side * np.sin(angle), .42 * np.sin(angle)], -1)
    ears = np.maximum(ears, canvas.area(ring + [side * 1.79 * identity.shape.face_width, .50]))
  ear_shade = .86 - .22 * canvas.spots(1.80 * identity.shape.face_width, .50, .10, .28)
  ear_colour = look.skin * ear_shade[..., None] * np.array([1, .95, .93])
  head = np.zeros((*face.shape, 4), np.float32)
  paint_hair(canvas, look, head, over, skin=(skin, face), ears=(ear_colour, ears))
  head[..., :3] = np.clip(head[..., :3], 0, 255) * head[..., 3:]
  return head


def _wrinkles(canvas: Canvas) -> np.ndarray:
  """Darkening maps in WRINKLES order, each at full strength."""
  spot, spots, y = canvas.spot, canvas.spots, canvas.y
  fold = {side: spot(side * .66, 1.30, .05, .36, -side * .55)
          - .7 * spot(side * .76, 1.24, .07, .34, -side * .55)
          - .5 * spot(side * .98, .80, .30, .18) for side in (-1, 1)}
  lines = sum(spot(0, at, .95, .03) for at in (-.72, -.90, -1.06))
  lines = lines - .6 * sum(spot(0, at, .95, .03) for at in (-.81, -.98))
  frown = spots(.12, -.24, .035, .15) - .5 * spot(0, -.22, .05, .14)
  nose = sum(spot(0, at, .16, .026) for at in (.10, .20)) + .8 * spots(.25, .42, .03, .16)
  crow = (spots(1.22, .16, .12, .018) + spots(1.22, .24, .12, .018)
          + 1.2 * spots(.72, .38, .30, .03))
  chin = spot(0, 2.18, .30, .045) + .10 * spot(0, 2.5, .25, .2) * canvas.noise(.04)
  return np.stack([fold[-1], fold[1], lines * (y < 0), frown, nose, crow, chin]).astype(np.float32)


def _scene(canvas: Canvas, look) -> np.ndarray:
  """Background, neck and shoulders."""
  x, y = canvas.x, canvas.y
  fade = 1.10 - .20 * np.hypot(x / 3.0, (y - .5) / 3.2)[..., None] ** 2
  scene = np.clip(look.background * fade * (1 + .05 * x * look.light[0])[..., None], 0, 255)
  neck = canvas.area([(-.98, 1.4), (-.98, 2.9), (-1.35, 4.3), (1.35, 4.3), (.98, 2.9), (.98, 1.4)])
  under_chin = 1 - .42 * np.exp(-((y - 2.7) / .55) ** 2)
  round_neck = np.clip(1 - .22 * (x / 1.0) ** 2 + .12 * x * look.light[0], .4, 1.1)
  colour = look.skin * .78 * (under_chin * round_neck)[..., None]
  scene = scene * (1 - neck[..., None]) + colour * neck[..., None]
  shirt = canvas.area([(-3.4, 4.6), (-3.2, 3.85), (-1.9, 3.5), (-1.05, 3.3), (-.7, 3.72),
                       (0, 3.95), (.7, 3.72), (1.05, 3.3), (1.9, 3.5), (3.2, 3.85), (3.4, 4.6)])
  cloth = look.shirt * (1.02 - .10 * np.abs(x) + .06 * x * look.light[0])[..., None]
  scene = scene * (1 - shirt[..., None]) + cloth * shirt[..., None]
  return np.clip(scene, 0, 255).astype(np.float32)


def paint(identity: Identity, rest: Float[np.ndarray, '131 3'], size: int) -> Painting:
  """Paint the still layers of a speaker whose resting landmarks are `rest`.

  Small pictures are painted at 256 px and shrunk, so that fine texture averages out.
  """
  canvas = Canvas(max(size, _LATTICE), stream(TEXTURE_STREAM, identity.speaker))
  head, wrinkles = _head(canvas, identity, rest), _wrinkles(canvas)
  scene = _scene(canvas, identity.look)

  def fit(image):
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)

  return Painting(fit(scene), fit(head), np.stack([fit(layer) for layer in wrinkles]))
