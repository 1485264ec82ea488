"""Losses of the Emotion Bridging Memory: reconstruction (Eq. 10) and alignment (Eq. 12)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.losses.reduce import example_mean, masked_mean


def memory_reconstruction(f_delta: Float[Array, 'B T D'], recalled: Float[Array, 'B T D'],
                          mask: Float[Array, ' B'] | None = None) -> Float[Array, '']:
  """Eq. 10 as a mean square; the target f_delta is detached, or the encoder shrinks to zero."""
  error = jnp.square(recalled - jax.lax.stop_gradient(f_delta))
  return masked_mean(example_mean(error), mask)


def memory_alignment(alpha_k: Float[Array, 'B T K'], alpha_v: Float[Array, 'B T K'],
                     mask: Float[Array, ' B'] | None = None, direction: str = 'value_to_key',
                     ) -> Float[Array, '']:
  """Eq. 12: KL between the addresses over the slots, mean over frames; alpha_v is detached.

  `value_to_key` is KL(alpha_v || alpha_k), as SyncTalkFace computes it; `key_to_value` is
  KL(alpha_k || alpha_v), as the paper prints it. Softmax of 16 * cosine is never below
  exp(-32) / K, so the plain logarithm is safe; the floor only matters for much larger scales.
  """
  pair = {'key': alpha_k, 'value': jax.lax.stop_gradient(alpha_v)}
  p, q = (jnp.maximum(pair[name], 1e-30) for name in direction.split('_to_'))
  return masked_mean(example_mean((p * (jnp.log(p) - jnp.log(q))).sum(-1)), mask)
