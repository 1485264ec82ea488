"""For each net of a talking system the PyTorch net that takes its tensors."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from flax.traverse_util import flatten_dict

from cemnet_jax.errors import UserError
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.audio2mouth import Audio2Mouth
from cemnet_jax.nets.audio_encoder import AudioEncoder, EmotionClassifier
from cemnet_jax.nets.ebm import EmotionBridgingMemory
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.layers import sinusoid
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.nets.wav2lip import Wav2Lip
from cemnet_jax.weights import arcface_gray, insightface, iplap, own, wav2lip
from cemnet_jax.weights.mapping import Entry, dense

Tree = Any
POSITIONS = 512  # that IP-LAP's tables hold (spec A.1)
LAST_LEVEL = 'face_6_0'  # of Wav2Lip at its public size


class Counterpart(NamedTuple):
  """A PyTorch net that takes a net's tensors.

  Attributes:
    name: the net and where it is.
    inputs: what it takes, in its own layout.
    entries: which tensor is which leaf.
    constants: its tensors that no leaf has.
    fixed: fields of our net that must have their defaults for both to be the same net.
  """
  name: str
  inputs: str
  entries: list[Entry]
  constants: dict[str, np.ndarray]
  fixed: tuple[str, ...]


def counterpart(net, variables: Tree) -> Counterpart:
  """The PyTorch net for the tensors of `net` with these variables.

  Raises:
    UserError: no net has names for them.
  """
  return _COUNTERPARTS[type(net)](net, variables)


def sizes(net) -> dict[str, Any]:
  """The fields of a linen module."""
  return {name: getattr(net, name) for name in net.__dataclass_fields__
          if name not in ('parent', 'name')}


def differs(net, fixed: Iterable[str]) -> dict[str, Any]:
  """Those of its `fixed` fields that have not their defaults."""
  usual = type(net)()
  return {name: getattr(net, name) for name in fixed if getattr(net, name) != getattr(usual, name)}


def _audio2mouth(net, variables) -> Counterpart:
  entries = iplap.landmark_entries(net)
  if net.head == 'paper':
    entries = [entry for entry in entries if 'keypoint_map' not in entry.tensor]
    entries += dense('keypoint_map', ('mouth',))
  table = np.asarray(sinusoid(POSITIONS, net.dim))[None]
  return Counterpart(
    "Landmark_generator of IP-LAP's models/landmark_generator.py",
    'mel (B T 1 80 16), with model.per_utterance as nets/pipeline.py makes it of the mel, '
    'pose (B T 2 74), pose and content of references (B N 2 74), (B N 2 57)',
    entries, {f'{iplap.FUSION}.position_{kind}.pe': table for kind in 'va'},
    ('width', 'dim', 'head'))


def _renderer(net, variables) -> Counterpart:
  return Counterpart(
    "Renderer of IP-LAP's models/video_renderer.py, but for the VGG19 of its loss (perceptual.*): "
    'load with strict=False there',
    'pictures BGR in [0, 1]: face (B 1 3 H W), sketches (B 5 3 H W), references (B N 3 H W), their '
    'sketches (B N 3 H W); mel (B 1 1 80 16)',
    _there(iplap.renderer_entries() + iplap.added_entries(net), variables), {},
    ('width', 'wide', 'hidden', 'kernel', 'audio_adain', 'audio_dim', 'audio_width', 'quirk',
     'skip', 'occlusion', 'head'))


def _wav2lip(net, variables) -> Counterpart:
  if LAST_LEVEL not in variables['params']:
    raise UserError(f'wav2lip: the public network draws {wav2lip.SIZE} px, this one was trained '
                    'on smaller pictures and lacks layers; use --format stablehlo')
  return Counterpart(
    "Wav2Lip of Wav2Lip's models/wav2lip.py",
    'mel (B 1 80 16), pictures BGR in [0, 1] (B 6 96 96): without lower half, then reference',
    wav2lip.generator_entries(), {}, ('width',))


def _audio_encoder(net, variables) -> Counterpart:
  return Counterpart("AudioEncoder of this project's benchmarks/torch_nets/audio_encoder.py",
                     'MFCC (B 28 12)', own.audio_encoder(net), {}, ())


def _emotion_classifier(net, variables) -> Counterpart:
  return Counterpart(
    "EmotionClassifier of this project's benchmarks/torch_nets/audio_encoder.py", 'MFCC (B 28 12)',
    own.emotion_classifier(net), {}, ())


def _image_emotion(net, variables) -> Counterpart:
  return Counterpart(
    "torchvision's resnet18(num_classes=8); the feature is what its last layer takes",
    "RGB (B 3 H W), standardised by ImageNet's mean and deviation", own.image_emotion(net), {},
    ('width', 'classes', 'stages'))


def _memory(net, variables) -> Counterpart:
  return Counterpart(
    "EmotionBridgingMemory of this project's benchmarks/torch_nets/ebm.py",
    'motion (B T 114), emotion of the speech, of the references, identity (B D), displacement '
    '(B T 114)', _there(own.memory(), variables), {},
    ('use_memory', 'residual', 'query_includes_motion', 'centred_addresses', 'read_norm'))


def _iresnet(net, variables) -> Counterpart:
  scale = {insightface.FROZEN: np.ones(net.dim, np.float32)}
  return Counterpart("IResNet of insightface's arcface_torch/backbones/iresnet.py",
                     'RGB in [-1, 1] (B 3 112 112)', insightface.entries(net), scale,
                     ('width', 'input_size'))


def _gray_resnet(net, variables) -> Counterpart:
  return Counterpart("resnet_face18(use_se=False) of arcface-pytorch's models/resnet.py",
                     'gray in [-1, 1] (B 1 128 128)', arcface_gray.entries(net), {},
                     ('stages', 'width', 'dim', 'input_size'))


def _there(entries: list[Entry], variables: Tree) -> list[Entry]:
  """Those whose leaf the net has: ablations lack some layers."""
  leaves = flatten_dict(variables)
  return [entry for entry in entries if entry.path in leaves]


_COUNTERPARTS = {
  Audio2Mouth: _audio2mouth, Renderer: _renderer, Wav2Lip: _wav2lip, AudioEncoder: _audio_encoder,
  EmotionClassifier: _emotion_classifier,
  ImageEmotion: _image_emotion, EmotionBridgingMemory: _memory, IResNet: _iresnet,
  GrayResNet: _gray_resnet}
