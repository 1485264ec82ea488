"""A pair of convolutions as one: against scipy's, edges and gradients included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from cemnet_jax.nets.conv_pair import Weights, conv_pair

CHANNELS = {'composed': (2, 12, 3), 'one after the other': (6, 4, 6)}


def drawn(m, h, o, size, seed=0):
  rng = np.random.default_rng(seed)
  arrays = (rng.normal(size=s) for s in (
    (2, *size, m), (3, 3, m, h), (h,), (3, 3, h, o), (o,)))
  x, k1, b1, k2, b2 = (a.astype(np.float32) for a in arrays)
  return x, Weights(k1, b1), Weights(k2, b2)


def scipys(x, weights):
  """A padded convolution in float64, channel by channel."""
  kernel = np.asarray(weights.kernel, np.float64)
  return np.stack([np.stack([
    sum(correlate2d(picture[..., i], kernel[..., i, o], 'same') for i in range(kernel.shape[2]))
    for o in range(kernel.shape[3])], -1) for picture in x.astype(np.float64)]) + weights.bias


@pytest.mark.parametrize('size', [(5, 7), (2, 3), (1, 4), (4, 1), (1, 1)])
@pytest.mark.parametrize('form', CHANNELS)
def test_equals_scipys_two(form, size):
  x, first, second = drawn(*CHANNELS[form], size)
  found = jax.jit(conv_pair)(x, first, second)
  np.testing.assert_allclose(found, scipys(scipys(x, first), second), atol=1e-4)


@pytest.mark.parametrize('form', CHANNELS)
def test_gradients_are_those_of_two(form):
  args = drawn(*CHANNELS[form], (5, 6))
  slope = np.random.default_rng(1).normal(size=(2, 5, 6, CHANNELS[form][2])).astype(np.float32)

  def two(x, first, second):
    for weights in (first, second):
      x = jax.lax.conv_general_dilated(x, weights.kernel, (1, 1), 'SAME',
                                       dimension_numbers=('NHWC', 'HWIO', 'NHWC')) + weights.bias
    return x

  gradients = lambda f: jax.jit(
    jax.grad(lambda *a: jnp.vdot(slope, f(*a)), argnums=(0, 1, 2)))(*args)
  for ours, plain in zip(*map(jax.tree.leaves, (gradients(conv_pair), gradients(two))),
                         strict=True):
    np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=2e-5 * float(jnp.abs(plain).max()))


def test_takes_the_form_with_fewer_products():
  def kernels(form):
    args = drawn(*CHANNELS[form], (5, 6))
    found = jax.make_jaxpr(conv_pair)(*args).eqns
    convs = [e.invars[1].aval.shape for e in found if e.primitive.name == 'conv_general_dilated']
    return [s for s in convs if len(s) == 4]
  assert (5, 5, 2, 3) in kernels('composed')
  assert kernels('one after the other') == [(3, 3, 6, 4), (3, 3, 4, 6)]
