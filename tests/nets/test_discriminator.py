"""The multi-scale discriminator: size, shapes, start."""

import jax
import jax.numpy as jnp
import pytest

from cemnet_jax.nets.discriminator import MultiScaleDiscriminator


def test_papers_size_and_shapes():
  net = MultiScaleDiscriminator()
  images = jax.ShapeDtypeStruct((2, 128, 128, 3), jnp.float32)
  variables = jax.eval_shape(net.init, jax.random.key(0), images)
  assert sum(x.size for x in jax.tree.leaves(variables)) == 5_529_474  # spec section 12
  full, half = jax.eval_shape(net.apply, variables, images)
  assert [m.shape[1:] for m in full] == [
    (65, 65, 64), (33, 33, 128), (17, 17, 256), (18, 18, 512), (19, 19, 1)]
  assert [m.shape[1] for m in half] == [33, 17, 9, 10, 11]


def test_weights_start_as_pix2pixhds():
  net = MultiScaleDiscriminator(scales=1, width=32)
  params = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))['params']
  kernel = params['scale_0']['layer_2']['kernel']
  assert abs(kernel.mean()) < 1e-3 and kernel.std() == pytest.approx(0.02, rel=0.03)
