"""The system's constant error on one person, told by that person's own pictures, and taken off.

Drawn or recorded speakers of the training are others: their jaws lie elsewhere, their lips are
thicker or thinner. What the system predicts for the reference's own frames, less where their points
are known to lie, is mostly that difference.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.stable_frame import align, into_picture
from cemnet_jax.topology import CONTENT, INNER_LIP_BOTTOM, INNER_LIP_TOP, JAW, NUM_LANDMARKS

# How far down each content point goes when the lips part by 1, jaw from ear to ear, outer and inner
# lips: slopes of a regression over aligned landmarks of the synthetic world's clips.
OPENING = np.array([
  .03, .09, .15, .22, .31, .40, .50, .59, .70, .59, .50, .40, .31, .22, .15, .09, .03,
  .30, .21, .11, .01, -.09, -.13, -.09, .01, .11, .21, .30, .43, .61, .83, 1.01, 1.07, 1.01, .83,
  .61, .43, .30, .20, .10, .02, -.04, -.05, -.04, .02, .10, .20, .30, .50, .65, .79, .90, .95, .90,
  .79, .65, .50], np.float32)
# Share of the chin's way that each point takes, 1 for lips. Beside the ears a jaw rests, and a
# prediction that wobbles there would move the background.
WAY = np.where(np.arange(len(CONTENT)) < len(JAW), OPENING / OPENING[len(JAW) // 2], 1)[:, None]
REST = 0.2  # quantile of the gap between the lips at which a speaking mouth is at rest
# How far offsets are trusted: what lowers the lips' error in the face's own frame most, on unseen
# drawn speakers under cross emotion (benchmarks/calibration.py).
# A jaw that is off by m, in sides of the crop, is moved by m^2 / (m^2 + JAW_DOUBT^2) of it.
JAW_DOUBT = 0.015
LIP_TRUST = 0.5  # of the lips' offset, which tells the emotion of the reference as well
JAW_ROWS, LIP_ROWS = slice(0, len(JAW)), slice(len(JAW), len(CONTENT))
FRAMES = 250  # of a reference video that are listened to at most


class Calibration(NamedTuple):
  """Steps in the face's own frame, in sides of the crop."""
  offset: Float[np.ndarray, '57 2']  # predicted less known, of the content points


def measure(predicted: Float[np.ndarray, 'T 131 2'], known: Float[np.ndarray, 'T 131 2'],
            lips: bool = True) -> Calibration:
  """The constant error of T predictions for frames whose landmarks are known, both in the crop.

  How far the lips are apart is no such error but for lips at rest, which are closed if need be and
  never opened: who smiles or speaks in a picture still closes them for a p.

  Args:
    lips: whether their shape counts, not their rest alone. In a picture it tells an emotion as much
      as a person.
  """
  said, seen = align(predicted), align(known)
  offset = np.median((said - seen)[:, CONTENT], axis=0)
  too_open = max(0.0, float(np.quantile(_gap(said), REST) - np.quantile(_gap(seen), REST)))
  whole = np.zeros((1, NUM_LANDMARKS, 2))
  whole[:, CONTENT] = offset
  offset[:, 1] += OPENING * (too_open - _gap(whole))
  size = np.square(offset[JAW_ROWS]).sum(axis=-1).mean()
  offset[JAW_ROWS] *= size / (size + JAW_DOUBT**2)
  offset[LIP_ROWS] *= LIP_TRUST * lips
  if not lips:
    offset[LIP_ROWS, 1] = OPENING[LIP_ROWS] * too_open
  return Calibration(offset)


def apply(calibration: Calibration, landmarks: Float[np.ndarray, 'T 131 2'],
          known: Float[np.ndarray, 'T 131 2']) -> Float[np.ndarray, 'T 131 2']:
  """Predicted landmarks without the constant error; jaw points keep by `WAY` to the canvas's own,
  as they are when its lips are closed.

  Args:
    known: landmarks of the canvas's faces, with the same pose.
  """
  corrected = take_off(calibration, landmarks)
  closed = known[:, CONTENT] - into_picture(_parted(_gap(align(known))), known)
  corrected[:, CONTENT] = closed * (1 - WAY) + corrected[:, CONTENT] * WAY
  crossed = np.minimum(_gap(align(corrected)), 0)  # lips that were closed already
  corrected[:, CONTENT] -= into_picture(_parted(crossed), corrected)
  return corrected


def take_off(calibration: Calibration, landmarks: Float[np.ndarray, 'T 131 2'],
             ) -> Float[np.ndarray, 'T 131 2']:
  """Predicted landmarks without the constant error alone: nothing of the canvas's mouth."""
  corrected = landmarks.copy()
  corrected[:, CONTENT] -= into_picture(calibration.offset, landmarks)
  return corrected


def _parted(gap: Float[np.ndarray, ' T']) -> Float[np.ndarray, 'T 57 2']:
  """How the content points go when the lips part by so much."""
  steps = np.zeros((len(gap), len(CONTENT), 2))
  steps[..., 1] = gap[:, None] * OPENING
  return steps


def _gap(landmarks):
  return landmarks[:, INNER_LIP_BOTTOM, 1] - landmarks[:, INNER_LIP_TOP, 1]
