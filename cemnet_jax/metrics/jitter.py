"""Temporal jitter of landmarks: how much their velocity changes from frame to frame."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.lmd import FACE_SIZE
from cemnet_jax.metrics.tally import EMPTY, Tally


def jitter(points: Float[np.ndarray, 'T L 2'], *, size: float = FACE_SIZE) -> Tally:
  """Mean length of the second difference over points and frames, px of a 256 face, of one clip.

  A steady pan scores 0. Speech itself bends the lips' paths, so the number tells something only
  beside that of the real clip.

  Args:
    points: landmarks in the crop or the stable frame, [0, 1].
    size: px that the unit of the input stands for.

  Returns:
    (mean, 1); nothing counted below three frames.
  """
  if len(points) < 3:
    return EMPTY
  bend = np.diff(np.asarray(points, np.float64), n=2, axis=0)
  return Tally(float(size * np.linalg.norm(bend, axis=-1).mean()), 1.)
