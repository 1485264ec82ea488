"""Losses of the memory against numpy; where gradients go is in tests/nets/test_ebm.py."""

import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax import losses


def draw(*shape, seed=0):
  return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def weights(seed):
  x = jnp.exp(draw(3, 5, 7, seed=seed))
  return x / x.sum(-1, keepdims=True)


def test_reconstruction_is_a_mean_square():
  a, b = draw(3, 5, 8), draw(3, 5, 8, seed=1)
  np.testing.assert_allclose(
    losses.memory_reconstruction(a, b), np.square(a - b).mean(), rtol=1e-5)


def test_alignment_in_both_directions():
  key, value = weights(0), weights(1)
  ancestor = (value * np.log(value / key)).sum(-1).mean()
  paper = (key * np.log(key / value)).sum(-1).mean()
  np.testing.assert_allclose(losses.memory_alignment(key, value), ancestor, rtol=1e-4)
  np.testing.assert_allclose(
    losses.memory_alignment(key, value, direction='key_to_value'), paper, rtol=1e-4)
  with pytest.raises(KeyError):
    losses.memory_alignment(key, value, direction='up_to_down')


def test_padding_changes_nothing():
  key, value = weights(0), weights(1)
  mask = jnp.array([1.0, 0.0, 1.0])
  np.testing.assert_allclose(
    losses.memory_alignment(key, value, mask), losses.memory_alignment(key[::2], value[::2]),
    rtol=1e-5)
