"""BatchNorm against flax's: outputs, gradients by autodiff, running statistics, parameter names."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets.batch_norm import BatchNorm

SETTINGS = [{}, {'use_bias': False}, {'use_bias': False, 'use_scale': False}]


def both(settings, train):
  shared = dict(use_running_average=not train, momentum=0.9, epsilon=1e-5, **settings)
  return BatchNorm(**shared), nn.BatchNorm(**shared)


def inputs(shape):
  rng = np.random.default_rng(0)
  x = (rng.normal(size=shape) * rng.uniform(0.5, 4, shape[-1]) + rng.normal(size=shape[-1]))
  return x.astype(np.float32), rng.normal(size=shape).astype(np.float32)


def drawn(net, x):
  shapes = jax.eval_shape(net.init, jax.random.key(0), x)
  rng = np.random.default_rng(1)
  return jax.tree.map(lambda s: rng.uniform(0.5, 2, s.shape).astype(np.float32), shapes)


@pytest.mark.parametrize('shape', [(16, 5), (4, 6, 7, 3), (2, 3, 4, 5, 8)])
@pytest.mark.parametrize('settings', SETTINGS)
def test_step_is_that_of_flax(shape, settings):
  x, direction = inputs(shape)
  ours, theirs = both(settings, train=True)
  variables = drawn(theirs, x)
  assert jax.tree.structure(drawn(ours, x)) == jax.tree.structure(variables)

  def run(net):
    def loss(x, params):
      y, new = net.apply({**variables, 'params': params}, x, mutable=['batch_stats'])
      return (jnp.sin(y) * direction).sum(), (y, new)
    return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(x, variables.get('params', {}))

  for mine, wanted in zip(*(jax.tree.leaves(run(net)) for net in (ours, theirs)), strict=True):
    np.testing.assert_allclose(mine, wanted, rtol=2e-4, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize('shape', [(9, 5), (6, 4, 3, 2)])
def test_rows_that_the_mask_leaves_out_count_in_no_statistic(shape):
  """Kept rows, their gradients and the running statistics are as if the others were not there."""
  x, direction = inputs(shape)
  mask = np.arange(shape[0]) % 3 != 1
  ours, theirs = both({}, train=True)
  variables = drawn(theirs, x)
  x[~mask] *= 50

  def run(net, x, direction, **kwargs):
    def loss(x, params):
      y, new = net.apply({**variables, 'params': params}, x, mutable=['batch_stats'], **kwargs)
      return (jnp.sin(y) * direction).sum(), (y, new)
    value, (for_x, for_params) = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(
      x, variables['params'])
    return value[1][0], for_x, value[1][1], for_params

  hidden = direction * mask.reshape(-1, *(1,) * (x.ndim - 1))
  mine = run(ours, x, hidden, mask=jnp.float32(mask))
  wanted = run(theirs, x[mask], direction[mask])
  kept = mine[0][mask], mine[1][mask], *mine[2:]
  for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(wanted), strict=True):
    np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * np.abs(b).max())
  assert not np.asarray(mine[1])[~mask].any()
  nothing = ours.apply(variables, x, mask=jnp.zeros(len(x)), mutable=['batch_stats'])
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(nothing))


def test_the_gradient_of_masked_rows_is_that_of_autodiff():
  x, direction = inputs((7, 4))
  mask = jnp.float32([1, 0, 1, 1, 0, 1, 1])[:, None]
  net = BatchNorm(use_running_average=False, use_bias=False, use_scale=False)
  variables = drawn(net, x)

  def plain(x):
    mean = (x * mask).sum(0) / mask.sum()
    var = (jnp.square(x - mean) * mask).sum(0) / mask.sum()
    return (x - mean) / jnp.sqrt(var + 1e-5)

  def ours(x):
    return net.apply(variables, x, mask=mask[:, 0], mutable=['batch_stats'])[0]

  found, wanted = (jax.grad(lambda x, f=f: (jnp.sin(f(x)) * direction).sum())(x)
                   for f in (ours, plain))
  np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_running_statistics_are_used_as_flax_uses_them():
  x, _ = inputs((4, 6, 7, 3))
  ours, theirs = both({}, train=False)
  variables = drawn(theirs, x)
  np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), rtol=1e-5,
                             atol=1e-5)


def test_statistics_stay_as_they_start_while_parameters_are_made():
  x, _ = inputs((8, 3))
  start = BatchNorm().init(jax.random.key(0), x, use_running_average=False)['batch_stats']
  np.testing.assert_array_equal(start['mean'], np.zeros(3))
  np.testing.assert_array_equal(start['var'], np.ones(3))


def test_half_precision_keeps_statistics_in_single():
  x, _ = inputs((64, 3))
  half = x.astype(jnp.bfloat16)
  net = BatchNorm(use_running_average=False, use_scale=False, use_bias=False)
  variables = net.init(jax.random.key(0), half)
  y, new = net.apply(variables, half, mutable=['batch_stats'])
  assert (y.dtype, new['batch_stats']['mean'].dtype) == (jnp.bfloat16, jnp.float32)
  np.testing.assert_allclose(new['batch_stats']['mean'], 0.1 * np.float32(half).mean(0), rtol=1e-4,
                             atol=1e-5)
  np.testing.assert_allclose(np.float32(y).std(0), 1, atol=0.02)


def test_double_precision_stays_double():
  with jax.enable_x64(True):
    x = np.random.default_rng(0).normal(3, 2, (64, 3))
    variables = {'params': {'scale': np.array([.5, 1, 2.]), 'bias': np.arange(3.)},
                 'batch_stats': {'mean': np.zeros(3), 'var': np.ones(3)}}
    y, _ = BatchNorm(use_running_average=False).apply(variables, x, mutable=['batch_stats'])
  wanted = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * [.5, 1, 2] + np.arange(3)
  np.testing.assert_allclose(y, wanted, rtol=1e-11)
