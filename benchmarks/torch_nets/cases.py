"""Every net beside its PyTorch counterpart with random weights, small or at the paper's size.

`ALL[name](paper)` makes a `compare.Case`: the nets, the importer's entries, inputs, and what the
ancestor does to its inputs.
"""

from functools import partial

import numpy as np
import torch

from benchmarks.torch_nets import (
  audio_encoder,
  deepface,
  ebm,
  gray_resnet,
  image_emotion,
  iresnet,
  syncnet,
  talker_cases,
  vgg19,
)
from benchmarks.torch_nets.compare import Case, randomise
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.audio_encoder import AudioDecoder, AudioEncoder, EmotionClassifier
from cemnet_jax.nets.deepface import DeepFaceEmotion
from cemnet_jax.nets.ebm import EmotionBridgingMemory
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.syncnet import SyncNet
from cemnet_jax.nets.vgg import IMAGENET_MEAN, IMAGENET_STD, VGG19Features
from cemnet_jax.weights import arcface_gray, insightface, own
from cemnet_jax.weights.deepface import entries as deepface_entries
from cemnet_jax.weights.mapping import CONV
from cemnet_jax.weights.syncnet import entries as syncnet_entries
from cemnet_jax.weights.vgg19 import entries as vgg19_entries

BATCH = 4  # BatchNorm of embeddings needs a few examples


def pictures(*shape: int, seed: int = 0) -> np.ndarray:
  """Random RGB in [0, 1]: (..., H, W, 3)."""
  return np.random.default_rng(seed).random((*shape, 3), np.float32)


def normal(*shape: int, scale: float = 1.0, seed: int = 0) -> np.ndarray:
  """Random numbers of deviation `scale`."""
  return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def first(x: torch.Tensor) -> torch.Tensor:
  """Channels from last to first: (B, ..., C) -> (B, C, ...)."""
  return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
  """Channels from first to last."""
  return x.movedim(1, -1)


def gray(images: torch.Tensor) -> torch.Tensor:
  """RGB (B, H, W, 3) -> grey (B, 1, H, W) by the weights that OpenCV documents."""
  r, g, b = images.unbind(-1)
  return (0.299 * r + 0.587 * g + 0.114 * b)[:, None]


def standardised(images: torch.Tensor) -> torch.Tensor:
  """RGB (B, H, W, 3) in [0, 1] -> (B, 3, H, W) as ImageNet's nets eat them."""
  return first((images - images.new_tensor(IMAGENET_MEAN)) / images.new_tensor(IMAGENET_STD))


def audio_encoder_case(paper: bool) -> Case:
  size = {} if paper else dict(width=0.25, hidden=(64, 32), dim=16)
  net, model = AudioEncoder(**size), randomise(audio_encoder.AudioEncoder(**size))
  return Case(net, model, own.audio_encoder(net), (normal(BATCH, 28, 12, scale=10.0),),
              lambda model, mfcc: model(mfcc))


def emotion_classifier_case(paper: bool) -> Case:
  size = {} if paper else dict(width=0.25, hidden=(64, 32), embedding=16)
  net, model = EmotionClassifier(**size), randomise(audio_encoder.EmotionClassifier(**size))
  return Case(net, model, own.emotion_classifier(net), (normal(BATCH, 28, 12, scale=10.0),),
              lambda model, mfcc: model(mfcc))


def audio_decoder_case(paper: bool) -> Case:
  width, inputs = (1.0, 384) if paper else (0.25, 48)
  model = randomise(audio_encoder.AudioDecoder(width, inputs))
  return Case(AudioDecoder(width), model, own.audio_decoder(), (normal(BATCH, inputs),),
              lambda model, z: model(z))


def iresnet_case(number: int, paper: bool) -> Case:
  size = dict(stages=iresnet.STAGES[number])
  # 44 px do not halve evenly; they are for a net that is not deep enough to amplify rounding much.
  size |= {} if paper else dict(width=8, dim=16, input_size=44 if number == 18 else 32)
  net, model = IResNet(**size), randomise(iresnet.IResNet(**size))
  model.freeze_scale()
  return Case(net, model, insightface.entries(net), (pictures(BATCH, *[net.input_size] * 2),),
              lambda model, images: unit(model(first((images - 0.5) / 0.5))),
              ignored=insightface.FROZEN)


def gray_resnet_case(paper: bool) -> Case:
  size = dict(dropout=0.0) | ({} if paper else dict(width=8, dim=16, input_size=44))
  net, model = GrayResNet(**size), randomise(gray_resnet.GrayResNet(**size))
  return Case(net, model, arcface_gray.entries(net), (pictures(BATCH, *[net.input_size] * 2),),
              lambda model, images: unit(model((255 * gray(images) - 127.5) / 127.5)))


def unit(x: torch.Tensor) -> torch.Tensor:
  """Embeddings to length 1, as they are compared."""
  return x / x.norm(dim=-1, keepdim=True)


def syncnet_case(paper: bool) -> Case:
  width, dim, side = (1.0, 1024, 224) if paper else (0.0625, 20, 112)
  model = randomise(syncnet.SyncNet(width, dim, side))
  with torch.no_grad():
    model.netcnnlip[0].weight /= 100  # its pictures are 0 to 255

  def forward(model, frames, mfcc):
    bgr = 255 * frames.flip(-1).permute(0, 4, 1, 2, 3)
    return model.forward_lip(bgr), model.forward_aud(mfcc[:, None])

  inputs = pictures(BATCH, 5, side, side), normal(BATCH, 13, 20, scale=5.0)
  return Case(SyncNet(width, dim), model, syncnet_entries(), inputs, forward)


def deepface_case(paper: bool) -> Case:
  size = dict(classes=7, width=1.0 if paper else 0.125, dropout=0.0)
  return Case(DeepFaceEmotion(**size), randomise(deepface.DeepFaceEmotion(**size)),
              deepface_entries(CONV), (pictures(BATCH, 48, 48),),
              lambda model, images: model(gray(images)))


def vgg19_case(paper: bool) -> Case:
  side = 128 if paper else 32
  return Case(VGG19Features(), randomise(vgg19.VGG19Features()), vgg19_entries(),
              (pictures(2, side, side),),
              lambda model, images: [last(x) for x in model(standardised(images))],
              has_modes=False)


def image_emotion_case(paper: bool) -> Case:
  width, side = (64, 128) if paper else (8, 64)
  net, model = ImageEmotion(width), randomise(image_emotion.ImageEmotion(width=width))
  return Case(net, model, own.image_emotion(net), (pictures(BATCH, side, side),),
              lambda model, images: model(standardised(images))[:2])


def ebm_case(paper: bool) -> Case:
  size = {} if paper else dict(slots=12, dim=32, hidden=24)
  cues = (128, 512, 512) if paper else (16, 24, 20)
  model = ebm.EmotionBridgingMemory(**size, audio=cues[0], image=cues[1], identity=cues[2])
  inputs = (normal(BATCH, 5, 114), *(normal(BATCH, n, seed=n) for n in cues),
            normal(BATCH, 5, 114, seed=1))
  return Case(EmotionBridgingMemory(**size), randomise(model), own.memory(), inputs,
              lambda model, *x: model(*x))


CASES = {
  'audio encoder': audio_encoder_case,
  'emotion classifier': emotion_classifier_case,
  'audio decoder': audio_decoder_case,
  'image emotion': image_emotion_case,
  'memory': ebm_case,
  'VGG19': vgg19_case,
  'IResNet-18': partial(iresnet_case, 18),
  'IResNet-50': partial(iresnet_case, 50),
  'IResNet-100': partial(iresnet_case, 100),
  'gray ResNet-18': gray_resnet_case,
  'SyncNet': syncnet_case,
  'DeepFace emotion': deepface_case,
}

ALL = talker_cases.CASES | CASES
