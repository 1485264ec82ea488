"""VGG19's feature maps: which layers, and at which sizes; numbers are in test_torch_parity."""

import jax
import jax.numpy as jnp

from cemnet_jax.nets import vgg


def test_maps_follow_the_first_convolution_of_every_block():
  images = jax.ShapeDtypeStruct((2, 32, 48, 3), jnp.float32)
  maps, variables = jax.eval_shape(
    lambda x: vgg.VGG19Features().init_with_output(jax.random.key(0), x), images)
  assert [m.shape[1:] for m in maps] == [
    (32, 48, 64), (16, 24, 128), (8, 12, 256), (4, 6, 512), (2, 3, 512)]
  assert tuple(variables['params']) == vgg.layer_names() and len(vgg.layer_names()) == 13
