"""The building blocks against plain numpy and the conventions of PyTorch they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import layers


def draw(*shape):
  return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_pixel_shuffle_channel_is_c_dy_dx():
  x = draw(2, 3, 4, 12)
  y = np.asarray(layers.pixel_shuffle(jnp.asarray(x)))
  assert y.shape == (2, 6, 8, 3)
  for c, dy, dx in np.ndindex(3, 2, 2):
    np.testing.assert_array_equal(y[:, dy::2, dx::2, c], x[..., c * 4 + dy * 2 + dx])


def test_nearest_takes_the_first_pixel():
  x = draw(1, 4, 6, 2)
  np.testing.assert_array_equal(layers.nearest_down(jnp.asarray(x)), x[:, ::2, ::2])
  np.testing.assert_array_equal(layers.nearest_down(layers.nearest_up(jnp.asarray(x))), x)


def test_instance_norm_is_biased_and_parameter_free():
  x = draw(2, 5, 4, 3) * 3 + 1
  want = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
  np.testing.assert_allclose(layers.instance_norm(jnp.asarray(x)), want, atol=1e-5)


@pytest.mark.parametrize('window, stride, padding', [
  ((1, 3), (1, 2), 0), ((12, 1), (12, 1), 0), ((1, 2), (1, 2), 0), ((3, 3), (2, 2), 1)])
def test_max_pool(window, stride, padding):
  x = draw(2, 12, 13, 3)
  padded = np.pad(x, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)), constant_values=-np.inf)
  rows = range(0, padded.shape[1] - window[0] + 1, stride[0])
  columns = range(0, padded.shape[2] - window[1] + 1, stride[1])
  want = np.stack([np.stack([
    padded[:, r:r + window[0], c:c + window[1]].max((1, 2)) for c in columns], 1)
    for r in rows], 1)
  np.testing.assert_array_equal(layers.max_pool(jnp.asarray(x), window, stride, padding), want)


@pytest.mark.parametrize('window, stride, padding', [
  ((12, 1), (12, 1), 0), ((3, 3), (2, 2), 1), ((5, 1), (2, 1), 0)])
def test_max_pool_of_gpus_is_that_of_other_devices(window, stride, padding):
  """Values, and gradients where values are equal, as behind a ReLU."""
  x = jnp.maximum(jnp.asarray(draw(2, 13, 14, 3)), 0)
  pads = [(padding, padding)] * 2

  def run(function):
    return jax.value_and_grad(lambda x: jnp.sin(3 * function(x) + 1).sum())(x)

  value, gradient = run(lambda x: layers.max_of_slices(x, window, stride, pads))
  wanted, direction = run(lambda x: layers.max_pool(x, window, stride, padding))
  assert float(value) == pytest.approx(float(wanted), rel=1e-6)
  np.testing.assert_allclose(gradient, direction, rtol=1e-6, atol=1e-6)


def test_the_gradient_of_a_max_pool_is_deterministic_on_gpus():
  """XLA refuses select-and-scatter there when results have to repeat."""
  traced = jax.jit(jax.grad(lambda x: layers.max_pool(x, (3, 3), (2, 2), 1).sum())).trace(
    jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32))
  text = {p: traced.lower(lowering_platforms=(p,)).as_text() for p in ('cpu', 'cuda')}
  assert 'select_and_scatter' in text['cpu'] and 'select_and_scatter' not in text['cuda']


def test_scaled_never_thinner_than_eight_nor_wider_than_asked():
  assert [layers.scaled(c, 1.0) for c in (4, 32, 512)] == [4, 32, 512]
  assert [layers.scaled(c, 0.25) for c in (4, 16, 32, 256)] == [4, 8, 8, 64]


def test_batch_norm_moves_a_tenth_of_the_way():
  block = layers.ConvBlock(3, (1, 1))
  x = jnp.asarray(draw(4, 5, 5, 3))
  variables = block.init(jax.random.key(0), x, train=False)
  _, new = block.apply(variables, x, train=True, mutable=['batch_stats'])
  y = np.asarray(x) @ np.asarray(variables['params']['conv']['kernel'][0, 0])
  mean, var = new['batch_stats']['norm']['mean'], new['batch_stats']['norm']['var']
  np.testing.assert_allclose(mean, 0.1 * y.mean((0, 1, 2)), atol=1e-5)
  np.testing.assert_allclose(var, 0.9 + 0.1 * y.var((0, 1, 2)), atol=1e-5)


def test_residual_block_adds_before_the_activation():
  block = layers.ConvBlock(2, (3,), padding=1, residual=True, act=jnp.tanh)
  x = jnp.asarray(draw(1, 6, 2))
  variables = block.init(jax.random.key(0), x, train=False)
  plain = layers.ConvBlock(2, (3,), padding=1, act=lambda y: y)
  want = np.tanh(plain.apply(variables, x, train=False) + x)
  np.testing.assert_allclose(block.apply(variables, x, train=False), want, atol=1e-6)


def test_torch_init_bounds():
  kernel = layers.torch_init(jax.random.key(0), (3, 3, 16, 64))
  bound = 1 / np.sqrt(3 * 3 * 16)
  assert 0.97 * bound < float(jnp.abs(kernel).max()) <= bound


def test_sinusoid():
  codes = np.asarray(layers.sinusoid(5, 8))
  t = np.arange(5)
  np.testing.assert_allclose(codes[:, 4], np.sin(t / 10000 ** (4 / 8)), atol=1e-6)
  np.testing.assert_allclose(codes[:, 5], np.cos(t / 10000 ** (4 / 8)), atol=1e-6)


def test_centred_init_hardly_blurs():
  kernel = np.asarray(layers.centred_init(jax.random.key(0), (7, 7, 16, 16)))
  centre, around = kernel[3, 3], np.delete(kernel.reshape(49, 16, 16), 24, axis=0)
  np.testing.assert_allclose(centre @ centre.T, np.eye(16), atol=1e-5)
  assert np.abs(around).max() <= 0.1 / np.sqrt(7 * 7 * 16) and around.std() > 0


def test_icnr_makes_equal_pixels():
  kernel = layers.icnr(layers.centred_init)(jax.random.key(0), (3, 3, 8, 16))
  x = jax.lax.conv_general_dilated(
    jnp.asarray(draw(1, 4, 4, 8)), kernel, (1, 1), 'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
  y = np.asarray(layers.pixel_shuffle(x))
  assert y.shape == (1, 8, 8, 4)
  np.testing.assert_array_equal(y[:, ::2, ::2], y[:, 1::2, 1::2])
  np.testing.assert_array_equal(y[:, ::2, ::2], y[:, ::2, 1::2])
  assert y.std() > 0.1
