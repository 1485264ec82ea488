"""Skin of a synthetic speaker: relief and light, colour, pores, marks, make-up and beard."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.canvas import Canvas
from cemnet_jax.preprocess.synthetic.identity import BEARDS, Identity, Look
from cemnet_jax.preprocess.synthetic.shape import Shape


class Skin(NamedTuple):
  """Lit skin, and the light alone."""
  colour: Float[np.ndarray, 'H W 3']
  shade: Float[np.ndarray, 'H W 3']  # factors of each colour


def _relief(canvas: Canvas, shape: Shape) -> np.ndarray:
  """Height of the face above the picture plane."""
  x, y, nose = canvas.x, canvas.y, shape.nose_length
  height = 2.1 * np.sqrt(np.clip(1 - (x / 2.05) ** 2 * .9 - ((y - .5) / 3.0) ** 2 * .85, 0, 1))
  bridge = np.exp(-(x / .20) ** 2) / (1 + np.exp(-(y - .05) / .14))
  tip = np.exp(-np.clip(y - (.83 + nose), 0, 9) ** 2 / .05)
  height += .36 * shape.nose_height * bridge * tip * (.35 + .65 * np.clip(y / .8, 0, 1))
  height += .15 * canvas.spot(0, .86 + nose, .25 * shape.nose_width, .20)
  height += .13 * canvas.spots(.25 * shape.nose_width, .86 + nose, .12, .12)
  height += .05 * canvas.spot(0, -.40, 1.3, .20) - .09 * canvas.spots(.68, .07, .38, .24)
  height += .10 * canvas.spots(1.05, .85, .45, .35)
  height += .12 * canvas.spot(0, 1.70 + shape.mouth_y, .55, .30)
  height += .13 * canvas.spot(0, 2.50 + shape.chin, .42, .28)
  height += -.07 * canvas.spot(0, 2.12, .45, .12) - .04 * canvas.spot(0, 1.30, .06, .16)
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


def _beard(canvas: Canvas, identity: Identity) -> np.ndarray:
  """Opacity of the beard."""
  look, shape, x, y = identity.look, identity.shape, canvas.x, canvas.y
  style = BEARDS[look.beard]
  under_nose = 1.13 + shape.nose_length + .5 * (shape.mouth_y + .035)
  lip = 1.62 + shape.mouth_y - .7 * shape.upper_lip
  strip = np.exp(-np.clip(np.abs(x) - .42, 0, 9) ** 2 / .03)  # moustache, down its ends
  strip = strip * np.exp(-np.clip(under_nose + .10 - y, 0, 9) ** 2 / .006)
  if style == 'moustache':
    grown = strip * np.exp(-np.clip(y - lip - .06 - .25 * np.abs(x), 0, 9) ** 2 / .008)
  elif style == 'goatee':
    chin = np.exp(-np.clip(np.abs(x) - .50, 0, 9) ** 2 / .015)
    grown = chin * np.exp(-np.clip(under_nose + .10 - y, 0, 9) ** 2 / .006)
  else:
    edge = 1.42 - np.clip(np.abs(x) - .75, 0, 1)  # the beard rises towards the ears
    grown = np.exp(-np.clip(edge - y, 0, 9) ** 2 / .03)
    grown = np.where((y < 1.30) & (np.abs(x) < 1.0), 0, grown)
    grown = np.maximum(grown, strip)
  grown = canvas.blur(grown.astype(np.float32), .05 if style == 'stubble' else .035)
  grown = grown * np.clip(.85 + .25 * canvas.noise(.02, .03), .3, 1.2)
  return np.clip(look.beard_cover * grown, 0, 1)


def _albedo(canvas: Canvas, identity: Identity) -> np.ndarray:
  """Colour of bare skin with its marks and make-up."""
  look, y = identity.look, canvas.y
  albedo = np.broadcast_to(look.skin.astype(np.float32), (*y.shape, 3)).copy()
  flush = (.6 * canvas.spots(.95, .95, .42, .34) * (.6 + look.blush)
           + .5 * canvas.spot(0, .82, .26, .2) + .2 * canvas.spot(0, 2.5, .5, .3))
  albedo *= 1 + flush[..., None] * np.array([.03, -.08, -.07], np.float32)
  socket = ((.07 + .10 * look.age) * canvas.spots(.68, .36, .34, .10)
            + .03 * canvas.spots(.66, -.04, .36, .08))
  albedo *= (1 - socket)[..., None]
  pores = look.grain * (.022 * canvas.noise(.012) + .014 * canvas.noise(.04))
  albedo *= (1 + pores + .018 * canvas.noise(.25))[..., None]
  mottled = .02 * look.blemishes * canvas.noise(.12)
  albedo *= 1 + mottled[..., None] * np.array([-.2, 1, 1], np.float32)
  _marks(canvas, albedo, look)
  if look.shadow_cover:
    lid = canvas.spots(.69, .03 + identity.shape.eye_y, .33, .13)
    cover = (look.shadow_cover * np.clip(1.2 * lid, 0, 1))[..., None]
    albedo = albedo * (1 - cover) + np.minimum(albedo, look.shadow.astype(np.float32)) * cover
  return albedo


def _marks(canvas: Canvas, albedo, look: Look) -> None:
  """Freckles around the nose, and moles and spots anywhere, in place."""
  if look.freckles:
    marks = np.zeros(canvas.y.shape, np.float32)
    where = canvas.random.normal([0, .72], [.75, .25], (60, 2))
    for (across, down), strength in zip(where, canvas.random.uniform(.2, 1, 60)):
      marks = np.maximum(marks, strength * canvas.spot(across, down, .022, .022))
    albedo *= (1 - .22 * look.freckles * marks)[..., None]
  for _ in range(int(7 * look.blemishes)):
    across, down = canvas.random.uniform([-1.4, -.9], [1.4, 2.4])
    width, depth = canvas.random.uniform([.02, .15], [.05, .5])
    spot = depth * canvas.spot(across, down, width, width)
    reddish = np.array([.35, 1, .9] if canvas.random.uniform() < .6 else [.9, 1, 1], np.float32)
    albedo *= 1 - spot[..., None] * reddish


def paint_skin(canvas: Canvas, identity: Identity) -> Skin:
  """Skin of the whole picture; the caller cuts the face out of it."""
  shape, look = identity.shape, identity.look
  albedo = _albedo(canvas, identity)
  if look.beard:
    grown = _beard(canvas, identity)[..., None]
    strands = (1 + .22 * canvas.noise(.014, .05))[..., None]
    albedo = albedo * (1 - grown) + look.hair.astype(np.float32) * .9 * strands * grown
  diffuse, gloss = _light(canvas, _relief(canvas, shape), look.light)
  # Shadows on skin are warm: blue falls off faster than red.
  warm = np.array([.9, 1.0, 1.08], np.float32)
  shade = 1.06 * (1 - look.contrast + look.contrast * diffuse[..., None] ** warm)
  skin = albedo * shade + 26 * gloss[..., None] * np.array([1, .96, .9], np.float32)
  for side in (-1, 1):
    nostril = canvas.spot(side * .15 * shape.nose_width, .955 + shape.nose_length, .085, .045,
                          side * .25)
    skin *= (1 - .62 * np.clip(1.3 * nostril, 0, 1))[..., None]
  return Skin(np.clip(skin, 0, 255), shade.astype(np.float32))
