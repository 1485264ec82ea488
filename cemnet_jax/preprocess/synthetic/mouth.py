"""The forty lip points as analytic curves: corners carry the emotion, the middle carries speech."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import Habits
from cemnet_jax.preprocess.synthetic.shape import Shape

# Position of each point between the corners, -1 to 1, as MediaPipe spaces them: eleven of the
# upper rim, then nine back along the lower one.
_OUTER_UPPER = np.array([-1, -.90, -.76, -.57, -.29, 0, .29, .57, .76, .90, 1])
_OUTER_LOWER = np.array([.92, .79, .59, .32, 0, -.32, -.59, -.79, -.92])
_INNER_UPPER = np.array([-1, -.85, -.69, -.50, -.27, 0, .27, .50, .69, .85, 1])
_INNER_LOWER = np.array([.84, .69, .50, .28, 0, -.28, -.50, -.69, -.84])
_INSET = .065  # inner corners lie this far inside the outer ones
_JAW_LIMIT = 1.6  # a jaw opens no further, however surprised its owner
_SHUT = .004  # inner lips never cross


class Mouth(NamedTuple):
  """Lip points and the state behind them."""

  outer: Float[np.ndarray, 'T 20 3']
  inner: Float[np.ndarray, 'T 20 3']
  jaw: Float[np.ndarray, ' T']  # 0 closed to about 1.2
  gap: Float[np.ndarray, ' T']
  tongue: Float[np.ndarray, ' T']


def _curve(corners, along, middle, power, inset=0.):
  """x, y of a rim that meets both corners and passes `middle` half way."""
  (x_right, y_right), (x_left, y_left) = corners
  x_right, x_left = x_right + inset, x_left - inset
  x = (x_right + x_left) / 2 + (x_left - x_right) / 2 * along
  chord = (y_right + y_left) / 2 + (y_left - y_right) / 2 * along
  bulge = np.maximum(1 - np.abs(along) ** power, 0)
  return x, chord * (1 - bulge) + middle * bulge


def mouth(shape: Shape, habits: Habits, unit, viseme: Float[np.ndarray, 'T 8']) -> Mouth:
  """Lips for action units (`unit(name)` -> (T,1)) and visemes.

  Speech and emotion interact, so that emotion is no constant offset: a closed viseme gates lip
  parting, rounding weakens a smile, tight lips hold the jaw.
  """
  jaw, wide, rounded, raised, lowered, close, tuck, tongue = np.split(viseme, 8, axis=1)
  gain = habits.articulation
  jaw, wide, rounded, raised, lowered = (gain * v for v in (jaw, wide, rounded, raised, lowered))
  open_ = 1 - close
  smiles = {-1: unit('AU12R') * (1 - habits.mouth_asymmetry),
            1: unit('AU12L') * (1 + habits.mouth_asymmetry)}
  smile = (smiles[-1] + smiles[1]) / 2
  hold = 1 - .35 * np.clip(unit('AU23') + unit('AU24'), 0, 1) - .15 * np.clip(smile, 0, 1) * rounded
  jaw = 1.08 * jaw * hold + .55 * unit('AU26') * (1 - .7 * close)
  jaw = _JAW_LIMIT * np.tanh(jaw / _JAW_LIMIT)

  half = shape.mouth_width * (1 + .16 * wide - .30 * rounded - .13 * unit('AU23')
                              - .05 * unit('AU26') + .14 * unit('AU20') - .02 * jaw)
  rest_y = 1.70 + shape.mouth_y
  corners = []
  for side, name in ((-1, 'R'), (1, 'L')):
    dimple = unit('AU14' + name)
    depress = unit('AU15') * (1 + side * habits.mouth_asymmetry)
    x = half + .14 * smiles[side] * (1 - .3 * rounded) + .06 * dimple + .10 * unit('AU20')
    y = (rest_y + .16 * jaw - shape.corner_rest - .25 * smiles[side] + .21 * depress
         - .06 * dimple + .09 * unit('AU20') - .03 * unit('AU17'))
    corners.append((side * x, y))

  upper_mid = (rest_y - .005 - .10 * raised * open_ - .16 * unit('AU10') * (.35 + .65 * open_)
               - .07 * unit('AU9') - .10 * smile * (.5 + .5 * open_) - .02 * tuck)
  gap = open_ * (.09 * unit('AU25') + .46 * jaw + .10 * lowered + .13 * unit('AU16')
                 + .05 * unit('AU20'))
  gap = np.maximum(gap - .05 * unit('AU24'), _SHUT)
  lower_mid = upper_mid + gap + .02 * jaw - .05 * unit('AU17') * (gap > .02) - .03 * tuck
  lower_mid = np.maximum(lower_mid, upper_mid + _SHUT)

  press = np.clip(.55 * close + .45 * unit('AU24') + .40 * unit('AU23') + .24 * smile
                  - .5 * rounded, -.5, .8)
  upper_thick = shape.upper_lip * (1 - .42 * press + .10 * rounded - .12 * wide)
  lower_thick = shape.lower_lip * (1 - .42 * press + .12 * rounded - .10 * wide - .45 * tuck
                                   + .08 * unit('AU17'))
  across = np.abs(_OUTER_UPPER)
  bow = shape.cupid_bow * (np.exp(-(across / .16) ** 2) - .6 * np.exp(-((across - .29) / .17) ** 2))
  power = 2.0 + .8 * rounded
  x_iu, y_iu = _curve(corners, _INNER_UPPER, upper_mid, power, _INSET)
  x_il, y_il = _curve(corners, _INNER_LOWER, lower_mid, power, _INSET)
  x_ou, y_ou = _curve(corners, _OUTER_UPPER, upper_mid, 2.2)
  x_ol, y_ol = _curve(corners, _OUTER_LOWER, lower_mid, 2.2)
  upper_fall, lower_fall = (
    np.maximum(1 - np.abs(along) ** (power + shape.lip_profile), 0)
    for along, power in ((_OUTER_UPPER, 1.7), (_OUTER_LOWER, 2.2)))
  y_ou = y_ou - upper_thick * upper_fall + bow
  y_ol = y_ol + lower_thick * lower_fall
  outer_x, inner_x = np.concatenate([x_ou, x_ol], 1), np.concatenate([x_iu, x_il], 1)
  outer_z = 1.30 - .37 * (np.abs(outer_x) / .6) ** 1.8 + .14 * rounded
  inner_z = 1.16 - .30 * (np.abs(inner_x) / .55) ** 1.8 + .10 * rounded
  return Mouth(
    outer=np.stack([outer_x, np.concatenate([y_ou, y_ol], 1), outer_z], -1),
    inner=np.stack([inner_x, np.concatenate([y_iu, y_il], 1), inner_z], -1),
    jaw=jaw[:, 0], gap=gap[:, 0], tongue=(tongue * open_)[:, 0])
