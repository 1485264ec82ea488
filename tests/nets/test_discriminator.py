"""The multi-scale discriminator: size, shapes, and parity with layers written in PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
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


def test_parity_with_pytorch():
  torch = pytest.importorskip('torch')
  functional = torch.nn.functional
  net = MultiScaleDiscriminator(width=4)
  rng = np.random.default_rng(0)
  images = rng.uniform(size=(2, 32, 32, 3)).astype(np.float32)
  shapes = jax.eval_shape(net.init, jax.random.key(0), images)['params']
  params = jax.tree.map(lambda x: rng.normal(scale=0.3, size=x.shape).astype(np.float32), shapes)
  ours = jax.jit(net.apply)({'params': params}, images)
  x = torch.tensor(images.transpose(0, 3, 1, 2))
  for scale, maps in enumerate(ours):
    y = x
    for i, got in enumerate(maps):
      layer = params[f'scale_{scale}'][f'layer_{i}']
      y = functional.conv2d(
        y, torch.tensor(layer['kernel'].transpose(3, 2, 0, 1)), torch.tensor(layer['bias']),
        stride=2 if i < 3 else 1, padding=2)
      if 0 < i < 4:
        y = functional.instance_norm(y)
      if i < 4:
        y = functional.leaky_relu(y, 0.2)
      np.testing.assert_allclose(got, y.numpy().transpose(0, 2, 3, 1), atol=2e-4)
    x = functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
