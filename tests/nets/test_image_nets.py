"""The picture nets' shapes at any size and their output conventions; numbers: parity tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.syncnet import SyncNet
from tests.nets.random_variables import random_variables


def outputs(net, *args, **kwargs):
  def run(*x):
    variables = net.init(jax.random.key(0), *x, train=False)
    return net.apply(variables, *x, train=False, **kwargs)

  return jax.eval_shape(run, *[jax.ShapeDtypeStruct(a, jnp.float32) for a in args])


@pytest.mark.parametrize('size', [32, 64, 128])
def test_image_emotion_feature_and_maps(size):
  features, logits, maps = outputs(ImageEmotion(width=16), (2, size, size, 3), return_maps=True)
  assert features.shape == (2, 128) and logits.shape == (2, 8)
  assert [m.shape[1] for m in maps] == [size // 2**k for k in (1, 2, 3, 4, 5)]
  assert [m.shape[-1] for m in maps] == [16, 16, 32, 64, 128]


def test_image_emotion_default_feature_is_512():
  features, _ = outputs(ImageEmotion(), (1, 128, 128, 3))
  assert features.shape == (1, 512)


def test_identity_resizes_and_has_length_one():
  net = IResNet(stages=(1, 1), width=8, dim=12, input_size=16)
  x = jnp.asarray(np.random.default_rng(0).random((3, 20, 20, 3)), jnp.float32)
  variables = random_variables(net, x, train=False)
  out = jax.jit(lambda x: net.apply(variables, x, train=False))(x)
  np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 1.0, atol=1e-5)


def test_syncnet_towers_share_a_space():
  lip, audio = outputs(SyncNet(width=0.0625, dim=20), (2, 5, 96, 96, 3), (2, 13, 20))
  assert lip.shape == audio.shape == (2, 20)
