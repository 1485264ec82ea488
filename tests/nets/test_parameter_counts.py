"""Default sizes are the paper's: parameter counts of spec 2.3, 3.4, 5, 9.1 and 12, shapes only."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.audio2mouth import Audio2Mouth
from cemnet_jax.nets.audio_encoder import AudioDecoder, AudioEncoder
from cemnet_jax.nets.deepface import DeepFaceEmotion
from cemnet_jax.nets.ebm import EmotionBridgingMemory
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.syncnet import SyncNet


def shapes(net, *args):
  """Parameter shapes of a net without computing anything; running statistics are left out."""
  specs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in args]

  def init(*inputs):
    return net.init(jax.random.key(0), *inputs, train=False)

  return jax.eval_shape(init, *specs)['params']


def count(tree):
  return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


def test_audio2mouth():
  tree = shapes(Audio2Mouth(), (2, 5, 80, 16), (2, 5, 74, 2), (2, 5, 131, 2))
  fusion = {k: v for k, v in tree.items() if k.startswith('layer_') or k == 'modality'}
  assert count(tree['mel_encoder']) == 2_812_672
  assert count(tree['ref_encoder']) == 1_120_828
  assert count(tree['pose_encoder']) == 1_318_204
  assert count(fusion) == 8_413_184  # with the frozen row 0 of the modality table
  assert (count(tree['lips']), count(tree['jaw']), count(tree['norm'])) == (41_040, 17_442, 1_024)
  assert count(tree) == 13_724_394


def test_audio_encoder_and_decoder():
  assert count(shapes(AudioEncoder(), (2, 28, 12))) == 12_094_400
  assert count(shapes(AudioDecoder(), (2, 384))) == 3_958_465


def test_iresnet():
  # The spec's numbers include the output scale that insightface freezes at one; ours has none.
  frozen = 512
  assert count(shapes(IResNet(), (1, 112, 112, 3))) + frozen == 43_590_848
  assert count(shapes(IResNet(stages=(3, 13, 30, 3)), (1, 112, 112, 3))) + frozen == 65_156_160


def test_syncnet():
  assert count(shapes(SyncNet(), (1, 5, 224, 224, 3), (1, 13, 20))) == 13_631_616


def test_deepface():
  # What DeepFace's own Keras model counts, which tells seven emotions.
  assert count(shapes(DeepFaceEmotion(classes=7), (1, 48, 48, 3))) == 1_485_831


def test_gray_resnet():
  assert count(shapes(GrayResNet(), (1, 128, 128, 3))) == 25_627_081


def test_image_emotion_is_a_resnet18():
  # torchvision's ResNet-18 has 11,689,512 with a 512 -> 1000 head of 513,000.
  assert count(shapes(ImageEmotion(), (1, 128, 128, 3))) == 11_689_512 - 513_000 + 512 * 8 + 8


def test_memory_has_two_96_by_512_tables():
  tree = shapes(EmotionBridgingMemory(), (2, 5, 114), (2, 128), (2, 512), (2, 512), (2, 5, 114))
  assert tree['key'].shape == tree['value'].shape == (96, 512)
