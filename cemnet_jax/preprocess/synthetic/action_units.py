"""Facial action units: names, the eight emotion prototypes, and how one speaker shows them.

Units follow FACS (Ekman and Friesen 1978). Units that a face can use on one side only have an L
and an R entry; L and R are the speaker's own left and right, so R is on the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from cemnet_jax.topology import EMOTIONS

if TYPE_CHECKING:
  from cemnet_jax.preprocess.synthetic.identity import Identity

AU_NAMES = ('AU1', 'AU2', 'AU4', 'AU5', 'AU6', 'AU7', 'AU9', 'AU10', 'AU12L', 'AU12R', 'AU14L',
            'AU14R', 'AU15', 'AU16', 'AU17', 'AU20', 'AU23', 'AU24', 'AU25', 'AU26')
AU_INDEX = {name: i for i, name in enumerate(AU_NAMES)}
NUM_AUS = len(AU_NAMES)

# Units of each emotion at full intensity, after EMFACS; contempt is one-sided.
PROTOTYPES = {
  'angry': dict(AU4=1.0, AU5=.45, AU7=.55, AU10=.5, AU15=.2, AU16=.7, AU23=.8, AU24=.2,
                AU25=.3),
  'contempt': dict(AU12R=.8, AU14R=1.0, AU7=.25, AU4=.1, AU24=.3),
  'disgusted': dict(AU9=.9, AU10=1.0, AU15=.5, AU4=.4, AU7=.5, AU17=.35),
  'fear': dict(AU1=.9, AU2=.45, AU4=.5, AU5=.9, AU7=.1, AU20=1.0, AU25=.45, AU26=.2),
  'happy': dict(AU6=.75, AU12L=1.0, AU12R=1.0, AU25=.5, AU10=.15),
  'neutral': {},
  'sad': dict(AU1=.9, AU4=.4, AU15=1.0, AU17=.55, AU7=.15),
  'surprised': dict(AU1=1.0, AU2=1.0, AU5=.8, AU26=.85, AU25=.35),
}
INTENSITY_GAIN = {1: .45, 2: .75, 3: 1.0}

# A speaker is lively or still per group of muscles, whatever the emotion.
AU_GROUPS = (('AU1', 'AU2', 'AU4', 'AU5'), ('AU6', 'AU7', 'AU9'),
             ('AU12L', 'AU12R', 'AU14L', 'AU14R'), ('AU10', 'AU15', 'AU16', 'AU17'),
             ('AU20', 'AU23', 'AU24', 'AU25', 'AU26'))
FAVOURITES = ('AU2', 'AU6', 'AU10', 'AU14L', 'AU14R', 'AU15', 'AU17', 'AU20', 'AU23')
# Standard deviation of what is left of a habit that depends on the emotion shown: small, so that a
# habit seen under one emotion predicts the same speaker under another.
RESIDUAL_SD = .06


def unit_vector(units: dict[str, float]) -> Float[np.ndarray, '20']:
  """Activations in AU_NAMES order from {unit name: activation}."""
  vector = np.zeros(NUM_AUS)
  for name, value in units.items():
    vector[AU_INDEX[name]] = value
  return vector


@dataclass(frozen=True)
class Habits:
  """How a speaker shows emotion; all but `residual` is shared by every emotion."""

  gain: Float[np.ndarray, '20']  # multiplies every prototype
  residual: Float[np.ndarray, 'E 20']  # small multiplicative rest per emotion
  favourites: Float[np.ndarray, '20']  # units that join every expression
  resting: Float[np.ndarray, '20']  # present always: no neutral face is quite neutral
  mouth_asymmetry: float  # > 0: the mouth works harder on the speaker's left
  brow_asymmetry: float
  contempt_side: str  # 'L' or 'R'
  articulation: float  # multiplies mouth opening in speech
  beat: float  # how much head and brows go with the speech's stress


def make_habits(random: np.random.Generator) -> Habits:
  """Draw one speaker's habits."""
  expressiveness = float(np.clip(random.normal(1, .14), .7, 1.3))
  gain = np.ones(NUM_AUS)
  for group in AU_GROUPS:
    gain[[AU_INDEX[name] for name in group]] = np.clip(random.normal(1, .14), .7, 1.3)
  favourites = np.zeros(NUM_AUS)
  for name in random.choice(FAVOURITES, 2, replace=False):
    favourites[AU_INDEX[name]] = random.uniform(.08, .28)
  # Lively faces also rest in a livelier pose, so that a neutral picture tells how lively.
  amount = .05 + .22 * (expressiveness - .7) + random.uniform(0, .04)
  resting = amount * unit_vector(PROTOTYPES[EMOTIONS[int(random.integers(len(EMOTIONS)))]])
  return Habits(
    gain=np.clip(gain * expressiveness, .55, 1.45),
    residual=random.normal(0, RESIDUAL_SD, (len(EMOTIONS), NUM_AUS)),
    favourites=favourites * expressiveness, resting=resting,
    mouth_asymmetry=float(np.clip(random.normal(0, .13), -.3, .3)),
    brow_asymmetry=float(np.clip(random.normal(0, .13), -.3, .3)),
    contempt_side='LR'[int(random.integers(2))], articulation=float(random.uniform(.87, 1.13)),
    beat=float(random.uniform(.3, 1.5)))


def prototype(emotion: str, contempt_side: str = 'R') -> Float[np.ndarray, '20']:
  """Full-intensity activations of an emotion, contempt on the side asked for."""
  units = PROTOTYPES[emotion]
  if emotion == 'contempt':
    units = {name[:-1] + contempt_side if name[-1] in 'LR' else name: value
             for name, value in units.items()}
  return unit_vector(units)


def expression(identity: Identity, emotion: str, intensity: int) -> Float[np.ndarray, '20']:
  """Action units of a speaker who shows `emotion` at `intensity` 1-3 (no effect on neutral).

  resting + level * (prototype * gain * (1 + residual) + favourites); a neutral face keeps half of
  the favourites, so that they can be seen in a neutral reference picture.
  """
  habits = identity.habits
  if emotion == 'neutral':
    return np.clip(habits.resting + .5 * habits.favourites, 0, 1.6)
  rest = 1 + habits.residual[EMOTIONS.index(emotion)]
  shown = prototype(emotion, habits.contempt_side) * habits.gain * rest + habits.favourites
  return np.clip(habits.resting + INTENSITY_GAIN[intensity] * shown, 0, 1.6)
