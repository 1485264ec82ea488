"""Tensors and leaves of the nets whose weights no public file has.

Their tensors are named as those of the nets in `benchmarks/torch_nets`, which keep to torchvision
and EVP where these have such a net.
"""

from cemnet_jax.nets.audio_encoder import (
  CONV_TABLE,
  DECODER_TABLE,
  AudioEncoder,
  EmotionClassifier,
)
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.layers import scaled
from cemnet_jax.weights.insightface import shortcut
from cemnet_jax.weights.mapping import (
  CONV,
  DECONV,
  Entry,
  after_picture,
  conv_block,
  convolution,
  dense,
  norm,
)


def audio_encoder(net: AudioEncoder) -> list[Entry]:
  """The tensors of one of AEE's audio encoders (spec 3.4) and the leaves of `net`."""
  rows = [i for i, row in enumerate(CONV_TABLE) if len(row) == 1]
  table = [entry for i in rows
           for entry in conv_block(f'convs.{i}.0', f'convs.{i}.1', (f'conv_{i}',), bias=False)]
  for i in range(len(net.hidden) + 1):
    turn = CONV if i else after_picture(scaled(512, net.width), 1, 6)
    table += dense(f'dense.{i}.0', (f'dense_{i}',), turn=turn)
  return table


def emotion_classifier(net: EmotionClassifier) -> list[Entry]:
  """The tensors of an audio encoder with its linear classifier and the leaves of `net`."""
  inner = AudioEncoder(net.width, net.hidden, net.embedding)
  within = [entry._replace(tensor=f'encoder.{entry.tensor}',
                           path=(entry.path[0], 'encoder', *entry.path[1:]))
            for entry in audio_encoder(inner)]
  return within + dense('head', ('head', 'linear'))


def audio_decoder() -> list[Entry]:
  """The tensors of EVP's decoder (spec A.6) and our leaves."""
  table = []
  for i in range(len(DECODER_TABLE)):
    table += convolution(f'decon.{3 * i}', (f'deconv_{i}',), turn=DECONV)
    if i + 1 < len(DECODER_TABLE):
      table += norm(f'decon.{3 * i + 1}', (f'norm_{i}',))
  return table


def image_emotion(net: ImageEmotion) -> list[Entry]:
  """The tensors of torchvision's ResNet and the leaves of `net`."""
  table = conv_block('conv1', 'bn1', ('stem',), bias=False) + dense('fc', ('linear',))
  for i, blocks in enumerate(net.stages):
    for j in range(blocks):
      theirs, ours = f'layer{i + 1}.{j}', f'stage_{i}_{j}'
      table += conv_block(f'{theirs}.conv1', f'{theirs}.bn1', (ours, 'block_1'), bias=False)
      table += convolution(f'{theirs}.conv2', (ours, 'conv_2'), bias=False)
      table += norm(f'{theirs}.bn2', (ours, 'norm_2'))
      table += shortcut(theirs, (ours,)) * bool(i and not j)
  return table


def memory() -> list[Entry]:
  """The tensors of the Emotion Bridging Memory (spec 6.4) and our leaves."""
  table = [Entry(name, ('params', name)) for name in ('key', 'value')]
  for name in ('audio', 'image', 'identity'):
    table += dense(f'cues.{name}', (f'{name}_projection',))
  for name in ('motion', 'query', 'displacement'):
    table += dense(f'{name}.0', (f'{name}_0',)) + dense(f'{name}.3', (f'{name}_1',))
    table += norm(f'{name}.1', (f'{name}_norm_0',), statistics=False)
  table += norm('query_norm', ('query_norm',), statistics=False)
  for name in ('query_centre', 'displacement_centre'):
    table += norm(name, (name,))[2:]  # without scale and bias
  table += norm('read_norm', ('decoder', 'read_norm'), statistics=False)
  for i, name in ((0, 'dense_0'), (3, 'dense_1'), (6, 'out')):
    table += dense(f'decoder.{i}', ('decoder', name))
  for i in (0, 1):
    table += norm(f'decoder.{3 * i + 1}', ('decoder', f'norm_{i}'), statistics=False)
  return table
