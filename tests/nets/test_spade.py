"""SPADE against its plain form, two convolutions of the repeated picture: same tree, same bits."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets.spade import SpadeNorm

HIDDEN, CHANNELS = 12, 3


class Plain(nn.Module):
  """As IP-LAP writes it."""

  @nn.compact
  def __call__(self, x, modulation):
    start = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')
    layer = lambda n, name: nn.Conv(n, (3, 3), padding=1, kernel_init=start, name=name)
    both = layer(2 * x.shape[-1], 'gain_shift')(layer(HIDDEN, 'shared')(modulation))[:, None]
    mean, var = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
    gain, shift = jnp.split(both, 2, axis=-1)
    return (x - mean) / jnp.sqrt(var + 1e-5) * (1 + gain) + shift


def inputs(sets, channels):
  rng = np.random.default_rng(0)
  draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
  return draw(sets, 4, 5, 6, CHANNELS), draw(2, 5, 6, channels)


@pytest.mark.parametrize('copies', [1, 3])
def test_starts_with_the_same_parameters(copies):
  x, modulation = inputs(2, 2)
  ours = SpadeNorm(HIDDEN, copies=copies).init(jax.random.key(3), x, modulation)
  plain = Plain().init(jax.random.key(3), x, jnp.repeat(modulation, copies, axis=-1))
  assert jax.tree.structure(ours) == jax.tree.structure(plain)
  chex.assert_trees_all_equal(ours, plain)


@pytest.mark.parametrize('sets', [1, 2])
@pytest.mark.parametrize('copies', [1, 3])
def test_equals_the_plain_form(copies, sets):
  x, modulation = inputs(sets, 2)
  repeated = jnp.repeat(modulation, copies, axis=-1)
  variables = Plain().init(jax.random.key(0), x, repeated)
  variables = jax.tree.map(  # biases start at zero, and would hide what they do at the edges
    lambda v: v + jax.random.normal(jax.random.key(1), v.shape), variables)
  slope = np.random.default_rng(2).normal(size=(2, 4, 5, 6, CHANNELS)).astype(np.float32)

  def value(net, picture):
    def loss(variables, x):
      y = net.apply(variables, x, picture)
      return jnp.vdot(slope, y), y
    return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(variables, x)

  ((_, y), gradients) = value(SpadeNorm(HIDDEN, copies=copies), modulation)
  ((_, wanted), plain) = value(Plain(), repeated)
  assert y.shape == (2, 4, 5, 6, CHANNELS)
  np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-4)
  for a, b in zip(jax.tree.leaves(gradients), jax.tree.leaves(plain), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5 * float(jnp.abs(b).max()))


def test_half_precision_weights_and_pictures_mix():
  x, modulation = inputs(2, 2)
  net = SpadeNorm(HIDDEN)
  variables = net.init(jax.random.key(0), x, modulation)
  half = jax.tree.map(lambda v: v.astype(jnp.bfloat16), variables)
  np.testing.assert_allclose(net.apply(half, x, modulation), net.apply(variables, x, modulation),
                             atol=0.1)
