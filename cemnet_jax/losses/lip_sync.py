"""Wav2Lip's sync loss: the cosine of two embeddings taken as the probability that they belong."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.losses.reduce import masked_mean

EPS = 1e-6  # keeps probabilities off 0 and 1, where logarithms and gradients end


def sync_probability(face: Float[Array, '*#B D'], speech: Float[Array, '*#B D']
                     ) -> Float[Array, '*B']:
  """P_sync of unit vectors without negative elements: their product, in [0, 1]."""
  return (face * speech).sum(-1)


def lip_sync(probability: Float[Array, '*B'], in_sync: Float[Array, '*B'],
             weight: Float[Array, '*B'] | None = None) -> Float[Array, '']:
  """Mean binary cross-entropy of P_sync against `in_sync`: 1 where both belong together, else 0.

  With ones this is -log P_sync, the expert's loss on a generator (Prajwal et al. 2020, 3.2).
  """
  p = jnp.clip(probability, EPS, 1 - EPS)
  entropy = -in_sync * jnp.log(p) - (1 - in_sync) * jnp.log(1 - p)
  return masked_mean(entropy, weight)
