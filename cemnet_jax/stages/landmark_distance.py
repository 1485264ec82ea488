"""M-LMD in a stage's validation: the measure of the evaluation's tables (`metrics.lmd`), traced."""

import jax.numpy as jnp
from jaxtyping import Array, Float

FACE_256 = 256.0  # px: EAT and EAMM report on faces scaled to 256 x 256 (spec 9)
FIRST_LIP = 17  # content points are 17 of the jaw, then 40 of the lips


def m_lmd(lips: Float[Array, '*B L 2'], truth: Float[Array, '*B L 2']) -> Float[Array, '*B']:
  """Mean distance of lip points in each frame after each set's mean is taken off, px of a 256 face.

  Args:
    lips, truth: in the crop, [0, 1].
  """
  error = lips - truth
  error = error - error.mean(-2, keepdims=True)
  return FACE_256 * jnp.linalg.norm(error, axis=-1).mean(-1)
