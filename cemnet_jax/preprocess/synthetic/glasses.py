"""Glasses on a synthetic face: two lenses, a bridge and the bows to the ears, drawn every frame."""

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.synthetic.identity import Glasses
from cemnet_jax.preprocess.synthetic.window import Window, mix, scale, soft

_POINTS = 28  # of a lens
_BEFORE = .22  # head units from the eyes to the lenses
_ASIDE = .05  # the lenses' middles lie this far outside the eyes'


def outline(glasses: Glasses, eyes: Float[np.ndarray, '2 2'],
            shape_width: float) -> dict[str, Float[np.ndarray, 'n 3']]:
  """Lines of the glasses in the head frame, for eyes centred at `eyes`, image-left first."""
  angle = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
  cos, sin = np.cos(angle), np.sin(angle)
  power = 2 / glasses.square
  ring = np.stack([glasses.width * np.sign(cos) * np.abs(cos) ** power,
                   glasses.height * np.sign(sin) * np.abs(sin) ** power], -1)
  lines = {}
  for side, name, centre in ((-1, 'right', eyes[0]), (1, 'left', eyes[1])):
    lens = ring * [side, 1] + centre + [side * _ASIDE, glasses.drop]
    lines[name] = np.c_[lens, _depth(lens[:, 0])]
    hinge = np.array([centre[0] + side * (_ASIDE + glasses.width), centre[1] - .05])
    ear = np.array([side * 1.78 * shape_width, centre[1] + .02])
    lines[name + ' bow'] = np.array([[*hinge, _depth(hinge[0])], [*ear, -.35]])
  inner = [lines[name][_POINTS // 2, :2] - [0, .08] for name in ('right', 'left')]
  middle = (inner[0] + inner[1]) / 2 - [0, .05]
  bridge = np.stack([inner[0], middle, inner[1]])
  lines['bridge'] = np.c_[bridge, _depth(bridge[:, 0])]
  return lines


def _depth(x):
  return .86 + _BEFORE + .12 - .16 * np.abs(x) ** 1.5


def draw_glasses(image: UInt8[np.ndarray, 'H W 3'], lines: dict[str, Float[np.ndarray, 'n 2']],
                 glasses: Glasses, unit: float, zoom: int) -> None:
  """Draw `lines` (pixels of `image`) in place; `unit` is pixels per head unit times `zoom`."""
  lines = {name: line * zoom - .5 for name, line in lines.items()}
  window = Window(image, np.concatenate(list(lines.values())), .08 * unit + 2, zoom)
  pixels, colour = window.pixels, glasses.colour.astype(np.float32)
  lenses = [lines['right'], lines['left']]
  inside = window.area(*lenses)
  scale(pixels, 1 - np.float32(glasses.tint) * inside)
  if glasses.glare > .08:
    streaks = []
    for lens in lenses:
      half = np.abs(lens[0] - lens[_POINTS // 2]).max() / 2
      streaks.append(lens.mean(0) + np.outer([-1, 1], [.36 * half, -.44 * half]))
    shine = soft(window.line(.13 * unit, *streaks), .03 * unit) * inside
    mix(pixels, np.float32([245, 248, 250]), glasses.glare * shine)
  rims = [np.concatenate([lens, lens[:1]]) for lens in lenses]
  shadow = soft(window.line(.05 * unit, *(rim + [0, .035 * unit] for rim in rims)), .03 * unit)
  scale(pixels, 1 - .18 * shadow)
  others = [line for name, line in lines.items() if name not in ('right', 'left')]
  mix(pixels, colour, window.line(glasses.rim * unit, *rims, *others))
  window.store()
