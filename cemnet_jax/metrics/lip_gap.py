"""Asked against drawn: the lip gap a renderer was told against the gap found in its pictures."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, OVAL

CLOSED = 0.015  # face heights: real portraits with closed lips have .000 to .012, others from .018
MIN_SPREAD = 1e-4  # face heights: a gap that varies less (0.02 px of 200) is constant


class Agreement(NamedTuple):
  """Least squares of the drawn gap on the asked one."""
  slope: float
  correlation: float


def face_height(landmarks: Float[np.ndarray, '*B 131 2']) -> Float[np.ndarray, '*B']:
  """Extent of the oval along y, temples to chin, in the unit of the landmarks."""
  return np.ptp(np.asarray(landmarks, np.float64)[..., OVAL, 1], axis=-1)


def lip_gap(landmarks: Float[np.ndarray, '*B 131 2'], height: Float[np.ndarray, '*B'] | float,
            ) -> Float[np.ndarray, '*B']:
  """Distance of the inner lips' midpoints in face heights.

  Args:
    landmarks: in any unit.
    height: of the face in the same unit; of the picture that speaks, since a face whose mouth opens
      grows longer.
  """
  landmarks = np.asarray(landmarks, np.float64)
  gap = landmarks[..., INNER_LIP_TOP, :] - landmarks[..., INNER_LIP_BOTTOM, :]
  return np.linalg.norm(gap, axis=-1) / height


def gap_agreement(asked: Float[np.ndarray, ' T'], drawn: Float[np.ndarray, ' T']) -> Agreement:
  """Slope and Pearson's correlation over the frames in which both are known (not NaN).

  (nan, nan) where the asked gap is constant; correlation 0 where only the drawn one is: a mouth
  that does not move obeys nothing.
  """
  known = np.isfinite(asked) & np.isfinite(drawn)
  asked, drawn = np.asarray(asked, np.float64)[known], np.asarray(drawn, np.float64)[known]
  if len(asked) < 3 or asked.std() < MIN_SPREAD:
    return Agreement(float('nan'), float('nan'))
  a, d = asked - asked.mean(), drawn - drawn.mean()
  still = drawn.std() < MIN_SPREAD
  return Agreement(float((a * d).sum() / (a * a).sum()),
                   0. if still else float((a * d).sum() / np.sqrt((a * a).sum() * (d * d).sum())))
