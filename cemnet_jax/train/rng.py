"""Random keys as a function of (seed, step, name): nothing random is stored in a checkpoint."""

import zlib

import jax


def key_for(seed: int | jax.Array, step: int | jax.Array, name: str) -> jax.Array:
  """A typed key, the same in every process and run; crc32 because `hash(str)` is salted."""
  key = jax.random.fold_in(jax.random.key(seed), step)
  return jax.random.fold_in(key, zlib.crc32(name.encode()))
