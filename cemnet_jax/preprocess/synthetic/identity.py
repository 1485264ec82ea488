"""Who a synthetic speaker is: face shape, colours, light, and expression habits, from one number.

Lengths are in head units: half the distance between the outer eye corners is about 1.
Colours are RGB 0-255.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import Habits, make_habits
from cemnet_jax.preprocess.synthetic.camera import Camera, make_camera
from cemnet_jax.preprocess.synthetic.shape import Shape, make_shape

IDENTITY_STREAM, HABIT_STREAM, TEXTURE_STREAM, MOTION_STREAM = 21, 23, 22, 31

# Key tones from light to dark; a speaker's skin lies between two neighbours.
_SKIN_TONES = np.array([(244, 212, 192), (228, 188, 162), (205, 160, 130), (172, 122, 92),
                        (132, 90, 66), (102, 68, 50)], float)
_HAIR_COLOURS = np.array([(38, 29, 25), (24, 22, 24), (74, 47, 30), (104, 68, 40), (168, 126, 72),
                          (132, 66, 38), (128, 124, 122), (186, 182, 176)], float)
_IRIS_COLOURS = np.array([(92, 60, 34), (62, 94, 128), (82, 112, 72), (54, 37, 26)], float)
_BACKGROUNDS = np.array([(104, 128, 114), (118, 120, 128), (92, 108, 134), (142, 132, 118),
                         (128, 108, 122), (86, 96, 104), (236, 236, 234), (28, 28, 32),
                         (62, 138, 66)], float)
_LIPSTICKS = np.array([(178, 30, 44), (150, 44, 62), (196, 84, 98), (204, 112, 100),
                       (120, 40, 54)], float)
_SHADOWS = np.array([(92, 66, 58), (70, 62, 76), (120, 84, 84), (52, 48, 50)], float)
BEARDS = ('none', 'stubble', 'full', 'goatee', 'moustache')


@dataclass(frozen=True)
class Glasses:
  """A pair of glasses."""

  width: float  # half of a lens
  height: float  # half of a lens
  square: float  # exponent of the outline: 2 is an ellipse
  rim: float  # width of the line
  drop: float  # how far the lenses' middle lies under the eyes'
  colour: Float[np.ndarray, '3']
  tint: float  # share of light that the lenses keep back
  glare: float  # share of white that they mirror


@dataclass(frozen=True)
class Look:
  """Colours, hair, skin, make-up and scene of a speaker."""

  feminine: bool
  skin: Float[np.ndarray, '3']
  hair: Float[np.ndarray, '3']
  iris: Float[np.ndarray, '3']
  lips: Float[np.ndarray, '3']
  shirt: Float[np.ndarray, '3']
  background: Float[np.ndarray, '3']
  clutter: int  # things behind the speaker
  light: Float[np.ndarray, '3']  # direction to the light, x right, y down, z to the camera
  contrast: float  # share of the light that comes from there
  beard: int  # of BEARDS
  beard_cover: float  # opacity
  brow_hair: float  # how much of the brow's height is hair
  freckles: float
  blemishes: float
  grain: float  # pores
  age: float  # depth of lines that never go, 0 to 1
  blush: float
  shadow: Float[np.ndarray, '3']  # on the eyelids
  shadow_cover: float
  lash_width: float
  hairstyle: int  # 0-2, one set per `feminine`


@dataclass(frozen=True)
class Identity:
  """A synthetic speaker."""

  speaker: int
  shape: Shape
  look: Look
  habits: Habits
  glasses: Glasses | None
  camera: Camera


def stream(*ids: int) -> np.random.Generator:
  """The random stream named by `ids`: the same on every machine, in any order of use."""
  return np.random.Generator(np.random.PCG64(list(ids)))


def _pick(random: np.random.Generator, colours, count: int | None = None):
  return colours[int(random.integers(count or len(colours)))]


def _make_look(random: np.random.Generator, feminine: bool) -> Look:
  u = random.uniform
  tone = u(0, len(_SKIN_TONES) - 1)
  low = min(int(tone), len(_SKIN_TONES) - 2)
  skin = _SKIN_TONES[low] * (1 - tone + low) + _SKIN_TONES[low + 1] * (tone - low)
  skin = np.clip(skin * (1 + np.array([u(-.03, .03), u(-.03, .03), u(-.06, .06)])), 0, 250)
  # Dark skin goes with dark hair.
  hair = _pick(random, _HAIR_COLOURS, None if tone < 2.5 else 3) * u(.85, 1.15)
  iris = _pick(random, _IRIS_COLOURS, None if tone < 2.5 else 1)
  red = np.array([196, 96, 92]) * u(.85, 1.05) * np.array([1, u(.88, 1.1), u(.88, 1.1)])
  lips = (.55 - u(0, .25)) * (red - skin) + .97 * skin
  painted = bool(feminine and u(0, 1) < .6)
  if painted:
    cover = u(.3, .9)
    lips = (1 - cover) * lips + cover * _pick(random, _LIPSTICKS) * u(.85, 1.1)
  light = np.array([u(-.95, .95), u(-.8, -.1), 1.0])
  beard = 0 if feminine else int(random.choice(len(BEARDS), p=(.38, .26, .18, .09, .09)))
  background = _pick(random, _BACKGROUNDS) * u(.85, 1.08)
  return Look(
    feminine=feminine, skin=skin, hair=hair, iris=iris, lips=np.clip(lips, 0, 255),
    shirt=np.array([u(20, 210), u(20, 210), u(20, 210)]), background=np.clip(background, 0, 255),
    clutter=int(random.integers(4, 15)) if u(0, 1) < .5 else 0, light=light,
    contrast=u(.35, .78), beard=beard, beard_cover=u(.22, .5) if beard == 1 else u(.6, .92),
    brow_hair=u(.45, .75) if feminine else u(.6, 1.0),
    freckles=u(.3, .9) if u(0, 1) > .75 else 0.0, blemishes=u(0, 1) ** 2, grain=u(.3, 1.6),
    age=u(0, 1) ** 1.5, blush=u(.4, 1.5) if painted else u(0, .8),
    shadow=_pick(random, _SHADOWS), shadow_cover=u(.1, .6) if painted else 0.0,
    lash_width=.030 + u(0, .006) + (.012 * feminine + u(0, .014) * painted),
    hairstyle=int(random.integers(3)))


def _make_glasses(random: np.random.Generator) -> Glasses | None:
  u = random.uniform
  colour = np.array([u(20, 90)] * 3) * np.array([1, u(.7, 1.), u(.6, 1.)])
  glasses = Glasses(
    width=u(.44, .53), height=u(.27, .42), square=u(2, 4.5), rim=u(.022, .075), drop=u(.02, .10),
    colour=np.array([190, 180, 150]) * u(.6, 1) if u(0, 1) < .2 else colour,
    tint=u(.02, .14), glare=u(0, .22))
  return glasses if u(0, 1) < .2 else None


def make_identity(speaker: int) -> Identity:
  """The synthetic speaker number `speaker` (>= 0): the same face and habits on every machine."""
  random = stream(IDENTITY_STREAM, speaker)
  feminine = bool(speaker % 2)
  return Identity(speaker=speaker, shape=make_shape(random, feminine),
                  look=_make_look(random, feminine), glasses=_make_glasses(random),
                  habits=make_habits(stream(HABIT_STREAM, speaker)), camera=make_camera(speaker))
