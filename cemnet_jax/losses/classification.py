"""Classification losses: cross-entropy and the additive angular margin of ArcFace."""

import math

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cemnet_jax.losses.reduce import masked_mean


def cross_entropy(logits: Float[Array, '*B E'], labels: Int[Array, '*B'],
                  mask: Float[Array, '*B'] | None = None) -> Float[Array, '']:
  """Mean softmax cross-entropy; logits (..., E), integer labels (...)."""
  return masked_mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels), mask)


def arc_logits(embeddings: Float[Array, 'B D'], centres: Float[Array, 'S D'],
               labels: Int[Array, ' B'], margin: float = 0.5, scale: float = 64.0,
               ) -> Float[Array, 'B S']:
  """scale * cos(angle to each centre), the label's angle widened by `margin` radians.

  Beyond pi - margin, where the cosine would rise again, it falls by sin(margin) * margin instead.
  """
  def unit(x):
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-12)

  cosine = unit(embeddings) @ unit(centres).T
  sine = jnp.sqrt(jnp.clip(1 - jnp.square(cosine), 1e-9))
  widened = cosine * math.cos(margin) - sine * math.sin(margin)
  widened = jnp.where(
    cosine > math.cos(math.pi - margin), widened, cosine - math.sin(margin) * margin)
  own = labels[:, None] == jnp.arange(centres.shape[0])
  return scale * jnp.where(own, widened, cosine)


def arc_margin(embeddings: Float[Array, 'B D'], centres: Float[Array, 'S D'],
               labels: Int[Array, ' B'], margin: float = 0.5, scale: float = 64.0,
               mask: Float[Array, ' B'] | None = None) -> Float[Array, '']:
  """ArcFace: cross-entropy of `arc_logits`; embeddings (B, D), class weights (S, D)."""
  return cross_entropy(arc_logits(embeddings, centres, labels, margin, scale), labels, mask)
