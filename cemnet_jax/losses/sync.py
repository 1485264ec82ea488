"""Matching of lips and audio by the distance of their embeddings (SyncNet, spec 9.1)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.losses.classification import cross_entropy

OFFSET = 1e-6  # PyTorch's pairwise_distance adds it to every difference


def pair_distances(lips: Float[Array, 'B K D'], audio: Float[Array, 'B K D']
                   ) -> Float[Array, 'B K K']:
  """Euclidean distance of every lip embedding (rows) to every audio embedding of its clip."""
  difference = lips[:, :, None] - audio[:, None] + OFFSET
  return jnp.sqrt(jnp.square(difference).sum(-1))


def matching(distances: Float[Array, 'B K K'], mask: Float[Array, ' B'] | None = None
             ) -> Float[Array, '']:
  """Multi-way matching (Chung et al. 2019): softmax of -distance, the diagonal is right.

  Both ways: each lip window finds its audio among the clip's, each audio window its lips. Moments
  of one clip compete, so neither voice nor face can tell; the distances keep SyncNet's scoring
  (minimum and median over shifts), in which silent moments count like all others.
  """
  b, k, _ = distances.shape
  right = jnp.broadcast_to(jnp.arange(k), (b, k))
  wide = None if mask is None else jnp.broadcast_to(mask[:, None], (b, k))
  return (cross_entropy(-distances, right, wide)
          + cross_entropy(-distances.transpose(0, 2, 1), right, wide)) / 2
