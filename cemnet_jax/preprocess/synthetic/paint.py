"""The still paintings of a synthetic speaker: skin, hair, wrinkles, body and background.

All are painted once in the resting head frame; `render.py` bends them to each frame's landmarks.
Every size and random lattice is in head units, so a picture has the same content at any size.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.canvas import LATTICE, Canvas
from cemnet_jax.preprocess.synthetic.features import Glow
from cemnet_jax.preprocess.synthetic.hair import paint_hair
from cemnet_jax.preprocess.synthetic.identity import TEXTURE_STREAM, Identity, stream
from cemnet_jax.preprocess.synthetic.scene import paint_scene
from cemnet_jax.preprocess.synthetic.skin import paint_skin
from cemnet_jax.topology import OVAL

WRINKLES = ('fold_right', 'fold_left', 'forehead', 'frown', 'nose', 'crow', 'chin')


class Painting(NamedTuple):
  """Still layers; `head` is premultiplied by its alpha, its last channel."""

  scene: Float[np.ndarray, 'H W 3']
  head: Float[np.ndarray, 'H W 4']
  wrinkles: Float[np.ndarray, '7 H W']
  glow: Glow


def _edge(oval: Float[np.ndarray, '25 2']) -> Float[np.ndarray, '25 2']:
  """The skin's edge: on real faces MediaPipe puts jaw and chin a little inside of it."""
  down = np.clip((oval[:, 1:] - 1.) / 1.6, 0, 1)
  return oval * [1.02, 1] + .08 * down * [0, 1]


def _head(canvas: Canvas, identity: Identity, rest: np.ndarray, skin) -> np.ndarray:
  look, width = identity.look, identity.shape.face_width
  oval = _edge(rest[OVAL, :2])
  angle = np.linspace(0, np.pi, 31)[1:-1]
  (left, low), (right, high) = oval[0], oval[-1]
  rise = np.sin(angle) ** .9
  skull = np.stack([(left + right) / 2 + (right - left) / 2 * np.cos(angle)
                    * (1 - .03 * np.sin(2 * angle) ** 2),
                    (low + high) / 2 * (1 - rise) - 2.01 * rise], -1)
  face = canvas.area(np.concatenate([oval, skull]), .018)
  # The face turns away from the light towards its edge: else jaw and neck would be one.
  turned = np.clip(2 - 2 * canvas.blur(face, .15), 0, 1) * np.clip((canvas.y - .6) / 1.2, 0, 1)
  skin = skin * (1 - .45 * turned)[..., None]
  angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
  ears = np.zeros_like(face)
  for side in (-1, 1):
    ring = np.stack([.19 * np.cos(angle) + .03 * side * np.sin(angle), .42 * np.sin(angle)], -1)
    ears = np.maximum(ears, canvas.area(ring + [side * 1.82 * width, .46]))
  ear_shade = .86 - .22 * canvas.spots(1.83 * width, .46, .10, .28)
  sideways = 1 + .30 * look.contrast * np.sign(canvas.x) * look.light[0]  # light on either ear
  ear_colour = look.skin * (ear_shade * sideways)[..., None] * np.array([1, .95, .93])
  head = np.zeros((*face.shape, 4), np.float32)
  paint_hair(canvas, look, width, head, skin=(skin, face), ears=(ear_colour, ears))
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


def _glow(canvas: Canvas, shade) -> Glow:
  """Mean light around each eye and the mouth."""
  def mean(x, y, wide, high):
    weight = canvas.spot(x, y, wide, high)[..., None]
    return ((shade * weight).sum((0, 1)) / weight.sum()).clip(.3, 1.15)
  return Glow(np.stack([mean(-.68, .1, .4, .3), mean(.68, .1, .4, .3)]), mean(0, 1.68, .5, .25))


def paint(identity: Identity, rest: Float[np.ndarray, '131 3'], size: int) -> Painting:
  """Paint the still layers of a speaker whose resting landmarks are `rest`.

  Small pictures are painted at 256 px and shrunk, so that fine texture averages out.
  """
  canvas = Canvas(max(size, LATTICE), stream(TEXTURE_STREAM, identity.speaker))
  bent = canvas.bent(identity.shape)
  skin = paint_skin(bent, identity)
  head, wrinkles = _head(canvas, identity, rest, skin.colour), _wrinkles(bent)
  scene = paint_scene(canvas, identity)

  def fit(image):
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)

  return Painting(fit(scene), fit(head), np.stack([fit(layer) for layer in wrinkles]),
                  _glow(bent, skin.shade))
