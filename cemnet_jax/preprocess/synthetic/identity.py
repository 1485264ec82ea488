"""Who a synthetic speaker is: face shape, colours, light, and expression habits, from one number.

Lengths are in head units: half the distance between the outer eye corners is about 1.
Colours are RGB 0-255.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import Habits, make_habits

IDENTITY_STREAM, HABIT_STREAM, TEXTURE_STREAM, MOTION_STREAM = 21, 23, 22, 31

# Key tones from light to dark; a speaker's skin lies between two neighbours.
_SKIN_TONES = np.array([(244, 212, 192), (228, 188, 162), (205, 160, 130), (172, 122, 92),
                        (132, 90, 66), (102, 68, 50)], float)
_HAIR_COLOURS = np.array([(38, 29, 25), (24, 22, 24), (74, 47, 30), (104, 68, 40), (168, 126, 72),
                          (132, 66, 38), (128, 124, 122)], float)
_IRIS_COLOURS = np.array([(92, 60, 34), (62, 94, 128), (82, 112, 72), (54, 37, 26)], float)
_BACKGROUNDS = np.array([(104, 128, 114), (118, 120, 128), (92, 108, 134), (142, 132, 118),
                         (128, 108, 122), (86, 96, 104)], float)


@dataclass(frozen=True)
class Shape:
  """Bone and flesh of a face; multipliers are around 1, the rest are head units."""

  face_width: float
  jaw_width: float
  chin: float
  eye_x: float
  eye_y: float
  eye_width: float
  eye_height: float
  eye_tilt: float
  brow_y: float
  brow_thickness: float
  brow_arch: float
  brow_tilt: float
  nose_length: float
  nose_width: float
  nose_height: float
  mouth_width: float
  mouth_y: float
  upper_lip: float
  lower_lip: float
  cupid_bow: float
  corner_rest: float


@dataclass(frozen=True)
class Look:
  """Colours, hair and scene of a speaker."""

  feminine: bool
  skin: Float[np.ndarray, '3']
  hair: Float[np.ndarray, '3']
  iris: Float[np.ndarray, '3']
  lips: Float[np.ndarray, '3']
  shirt: Float[np.ndarray, '3']
  background: Float[np.ndarray, '3']
  light: Float[np.ndarray, '3']  # direction to the light, x right, y down, z to the camera
  beard: float
  freckles: float
  hairstyle: int  # 0-2, one set per `feminine`


@dataclass(frozen=True)
class Identity:
  """A synthetic speaker."""

  speaker: int
  shape: Shape
  look: Look
  habits: Habits


def stream(*ids: int) -> np.random.Generator:
  """The random stream named by `ids`: the same on every machine, in any order of use."""
  return np.random.Generator(np.random.PCG64(list(ids)))


def _make_shape(random: np.random.Generator, feminine: bool) -> Shape:
  u, f = random.uniform, float(feminine)
  return Shape(
    face_width=u(.94, 1.05) - .02 * f, jaw_width=u(.92, 1.08) - .06 * f,
    chin=u(-.10, .10) - .05 * f, eye_x=u(-.04, .04), eye_y=u(-.03, .03), eye_width=u(.30, .34),
    eye_height=u(.130, .158) + .010 * f, eye_tilt=u(-.065, .01), brow_y=u(-.11, -.03) - .02 * f,
    brow_thickness=u(.075, .115) - .03 * f, brow_arch=u(.03, .09) + .02 * f,
    brow_tilt=u(-.03, .05), nose_length=u(-.06, .08), nose_width=u(.88, 1.14),
    nose_height=u(.85, 1.15), mouth_width=u(.56, .66), mouth_y=u(-.04, .06),
    upper_lip=u(.13, .18) + .015 * f, lower_lip=u(.165, .225) + .02 * f, cupid_bow=u(.015, .045),
    corner_rest=u(-.03, .03))


def _make_look(random: np.random.Generator, feminine: bool) -> Look:
  u = random.uniform
  tone = u(0, len(_SKIN_TONES) - 1)
  low = min(int(tone), len(_SKIN_TONES) - 2)
  skin = _SKIN_TONES[low] * (1 - tone + low) + _SKIN_TONES[low + 1] * (tone - low)
  skin = skin * (1 + np.array([u(-.03, .03), u(-.02, .02), u(-.04, .04)]))
  # Dark skin goes with dark hair.
  hair_choices = len(_HAIR_COLOURS) if tone < 2.5 else 3
  iris_choices = len(_IRIS_COLOURS) if tone < 2.5 else 1
  hair = _HAIR_COLOURS[int(random.integers(hair_choices))] * u(.85, 1.15)
  iris = _IRIS_COLOURS[int(random.integers(iris_choices))]
  lips = np.array([196, 96, 92]) * u(.85, 1.05) * np.array([1, u(.88, 1.1), u(.88, 1.1)])
  bearded = u(0, 1) > .6
  freckled = u(0, 1) > .7
  return Look(
    feminine=feminine, skin=np.clip(skin, 0, 250), hair=hair, iris=iris, lips=lips,
    shirt=np.array([u(40, 190), u(40, 190), u(40, 190)]),
    background=_BACKGROUNDS[int(random.integers(len(_BACKGROUNDS)))] * u(.85, 1.15),
    light=np.array([u(-.55, .55), u(-.7, -.35), 1.0]),
    beard=0.0 if feminine or not bearded else float(u(.25, .6)),
    freckles=float(u(.3, .9)) if freckled else 0.0, hairstyle=int(random.integers(3)))


def make_identity(speaker: int) -> Identity:
  """The synthetic speaker number `speaker` (>= 0): the same face and habits on every machine."""
  random = stream(IDENTITY_STREAM, speaker)
  feminine = bool(speaker % 2)
  return Identity(speaker=speaker, shape=_make_shape(random, feminine),
                  look=_make_look(random, feminine),
                  habits=make_habits(stream(HABIT_STREAM, speaker)))
