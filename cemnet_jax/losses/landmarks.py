"""Losses on landmark motion: L1, continuity (Eq. 3), and their sum (Eq. 4)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.losses.reduce import example_mean, masked_mean


def l1(prediction: Float[Array, ' B *rest'], target: Float[Array, ' B *rest'],
       mask: Float[Array, ' B'] | None = None) -> Float[Array, '']:
  """Mean absolute difference over everything but masked-out examples."""
  return masked_mean(example_mean(jnp.abs(prediction - target)), mask)


def velocity(prediction: Float[Array, 'B T *points'], target: Float[Array, 'B T *points'],
             mask: Float[Array, ' B'] | None = None, eps: float = 1e-12) -> Float[Array, '']:
  """Eq. 3: mean over steps of the 2-norm of the difference of frame-to-frame motion.

  `eps`, in squared units of the landmarks, is inside the root: its gradient stays finite at 0.
  """
  error = jnp.diff(prediction - target, axis=1)
  error = error.reshape(*error.shape[:2], -1)
  return masked_mean(example_mean(jnp.sqrt(jnp.square(error).sum(-1) + eps)), mask)


def a2m_loss(prediction: Float[Array, 'B T *points'], target: Float[Array, 'B T *points'],
             mask: Float[Array, ' B'] | None = None, weight: float = 1.0) -> Float[Array, '']:
  """Eq. 4: L1 + weight * velocity; the paper's weight (lambda) is 1."""
  return l1(prediction, target, mask) + weight * velocity(prediction, target, mask)
