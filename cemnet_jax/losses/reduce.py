"""Means over a batch in which some examples are padding."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def example_mean(values: Float[Array, ' B *rest']) -> Float[Array, ' B']:
  """(B, ...) -> (B,): the mean of each example."""
  return values.reshape(values.shape[0], -1).mean(-1)


def masked_mean(values: Float[Array, '*B'], mask: Float[Array, '*B'] | None) -> Float[Array, '']:
  """Mean of `values` where `mask` is 1 (same shape); 0 if it is 0 everywhere, all if None."""
  if mask is None:
    return values.mean()
  return (values * mask).sum() / jnp.maximum(mask.sum(), 1.0)
