"""The system's constant error on one person, told by that person's own pictures, and taken off.

Drawn or recorded speakers of the training are others: their jaws lie elsewhere, their lips are
thicker or thinner. What the system predicts for the reference's own frames, less where their points
are known to lie, is mostly that difference.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.stable_frame import align, into_picture
from cemnet_jax.topology import CONTENT, JAW

# How far each jaw point goes when the chin goes 1, from ear to ear: what of the aligned landmarks
# follows the lips' opening in the synthetic world's clips (slope of a regression). Beside the ears
# a jaw rests, and predictions that wobble there would move the background.
JAW_WAY = np.array([.06, .14, .23, .33, .45, .58, .72, .86, 1,
                    .86, .72, .58, .45, .33, .23, .14, .06], np.float32)
WAY = np.concatenate([JAW_WAY, np.ones(len(CONTENT) - len(JAW), np.float32)])[:, None]
FRAMES = 250  # of a reference video that are listened to at most


class Calibration(NamedTuple):
  """Steps in the face's own frame, in sides of the crop."""
  offset: Float[np.ndarray, '57 2']  # predicted less known, of the content points


def measure(predicted: Float[np.ndarray, 'T 131 2'], known: Float[np.ndarray, 'T 131 2'],
            ) -> Calibration:
  """The constant error of T predictions for frames whose landmarks are known, both in the crop."""
  return Calibration(np.median((align(predicted) - align(known))[:, CONTENT], axis=0))


def apply(calibration: Calibration, landmarks: Float[np.ndarray, 'T 131 2'],
          known: Float[np.ndarray, 'T 131 2']) -> Float[np.ndarray, 'T 131 2']:
  """Predicted landmarks without the constant error; jaw points keep by `WAY` to the canvas's own.

  Args:
    known: landmarks of the canvas's faces, with the same pose.
  """
  corrected = landmarks.copy()
  content = landmarks[:, CONTENT] - into_picture(calibration.offset, known)
  corrected[:, CONTENT] = known[:, CONTENT] * (1 - WAY) + content * WAY
  return corrected
