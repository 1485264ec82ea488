"""Glasses on a synthetic face: two lenses, a bridge and the bows to the ears, drawn every frame."""

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.synthetic.identity import Glasses
from cemnet_jax.preprocess.synthetic.window import Window, mix, soft

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
  pixels = window.pixels
  colour = glasses.colour.astype(np.float32)
  for name in ('right', 'left'):
    lens = lines[name]
    inside = window.area(lens)
    pixels *= (1 - glasses.tint * inside)[..., None]
    if glasses.glare > .08:
      middle, across = lens.mean(0), lens[0] - lens[_POINTS // 2]
      streak = middle + np.outer([-1, 1], [.18 * abs(across[0]), -.22 * abs(across[0])])
      shine = soft(window.line(streak, .13 * unit), .03 * unit) * inside
      mix(pixels, np.float32([245, 248, 250]), glasses.glare * shine)
    rim = np.concatenate([lens, lens[:1]])
    shadow = soft(window.line(rim + [0, .035 * unit], .05 * unit), .03 * unit)
    pixels *= (1 - .18 * shadow)[..., None]
    mix(pixels, colour, window.line(rim, glasses.rim * unit))
    mix(pixels, .8 * colour, window.line(lines[name + ' bow'], .8 * glasses.rim * unit))
  mix(pixels, colour, window.line(lines['bridge'], glasses.rim * unit))
  window.store()
