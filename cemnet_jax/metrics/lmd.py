"""Landmark distances: M-LMD over the mouth and F-LMD over the face, in pixels of a 256 face."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.tally import EMPTY, Tally

FACE_SIZE = 256  # px: EAT and EAMM report on faces scaled to 256 x 256 (spec §9)
NUM_JAW = 17  # content points are 17 of the jaw, then 40 of the lips


def landmark_distance(
    predicted: Float[np.ndarray, '*B L 2'], truth: Float[np.ndarray, '*B L 2'], *,
    centred: bool = False, size: float = FACE_SIZE) -> Float[np.ndarray, '*B']:
  """Mean Euclidean distance over the L points of each frame, in px of a face `size` px wide.

  Args:
    predicted, truth: points in the crop, [0, 1].
    centred: subtract each set's own mean first, as EAT and ATVG do, so that only shape counts.
    size: px that the unit of the input stands for.
  """
  predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
  if centred:
    predicted = predicted - predicted.mean(-2, keepdims=True)
    truth = truth - truth.mean(-2, keepdims=True)
  return size * np.linalg.norm(predicted - truth, axis=-1).mean(-1)


def m_lmd(
    predicted: Float[np.ndarray, 'T 57 2'], truth: Float[np.ndarray, 'T 57 2'], *,
    centred: bool = True, size: float = FACE_SIZE) -> Tally:
  """Mouth landmark distance, px: (mean over the 40 lip points and the frames of a clip, 1)."""
  return _clip_mean(landmark_distance(
    predicted[..., NUM_JAW:, :], truth[..., NUM_JAW:, :], centred=centred, size=size))


def f_lmd(
    predicted: Float[np.ndarray, 'T L 2'], truth: Float[np.ndarray, 'T L 2'], *,
    size: float = FACE_SIZE) -> Tally:
  """Face landmark distance, px: (mean over all points, uncentred, and the frames of a clip, 1)."""
  return _clip_mean(landmark_distance(predicted, truth, size=size))


def _clip_mean(frames):
  # The mean over points and frames, then over clips (spec §9): long clips weigh no more.
  return Tally(float(frames.mean()), 1.) if len(frames) else EMPTY
