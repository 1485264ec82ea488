"""The picture nets' shapes at any size and their output conventions; numbers: parity tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.deepface import DeepFaceEmotion, blank_upper_half
from cemnet_jax.nets.gray_resnet import GrayResNet
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


@pytest.mark.parametrize('kind', [IResNet, GrayResNet])
def test_identity_resizes_and_has_length_one(kind):
  net = kind(stages=(1, 1), width=8, dim=12, input_size=16)
  x = jnp.asarray(np.random.default_rng(0).random((3, 20, 20, 3)), jnp.float32)
  variables = random_variables(net, x, train=False)
  out = jax.jit(lambda x: net.apply(variables, x, train=False))(x)
  np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 1.0, atol=1e-5)


def test_syncnet_towers_share_a_space():
  lip, audio = outputs(SyncNet(width=0.0625, dim=20), (2, 5, 96, 96, 3), (2, 13, 20))
  assert lip.shape == audio.shape == (2, 20)


def test_syncnet_may_look_at_the_mouth_alone():
  net = SyncNet(width=0.0625, dim=8, input_size=64, mouth=True)
  rng = np.random.default_rng(1)
  frames = rng.random((1, 5, 96, 96, 3), np.float32)
  mfcc = rng.random((1, 13, 20), np.float32)
  variables = random_variables(net, frames, mfcc, train=False)
  lip = jax.jit(lambda f: net.apply(variables, f, mfcc, train=False)[0])
  outside, inside = frames.copy(), frames.copy()
  outside[:, :, :48], outside[:, :, :, :24], outside[:, :, :, 72:] = 0, 0, 0
  inside[:, :, 48:50, 24:26] = 0
  np.testing.assert_array_equal(lip(outside), lip(frames))
  assert np.abs(lip(inside) - lip(frames)).max() > 1e-6


def test_blank_upper_half():
  images = np.random.default_rng(2).random((2, 8, 6, 3), np.float32)
  blanked = blank_upper_half(images)
  assert (blanked[:, :4] == 0.5).all()
  np.testing.assert_array_equal(blanked[:, 4:], images[:, 4:])


@pytest.mark.parametrize('size', [32, 48, 96])
def test_deepface_takes_any_size(size):
  features, logits = outputs(DeepFaceEmotion(width=0.25), (2, size, size, 3))
  assert features.shape == (2, 256) and logits.shape == (2, 8)
