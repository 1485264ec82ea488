"""IP-LAP's public weights (spec A.1, A.2): landmark generator and renderer.

Its renderer knows pictures as BGR; the imported net takes and gives RGB.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.nets.audio2mouth import POSE_TABLE, REF_TABLE, Audio2Mouth
from cemnet_jax.nets.layers import MEL_TABLE, sinusoid
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.weights.mapping import (
  CONV,
  SAME,
  Entry,
  Turn,
  bgr,
  convolution,
  dense,
  norm,
  shapes_of,
  to_variables,
)
from cemnet_jax.weights.torch_files import read_tensors
from cemnet_jax.weights.wav2lip import encoder

Tree = Any
Names = tuple[str, ...]
FUSION = 'fusion_transformer'
# Tables of sinusoids that are stored with the weights: (1, 512, dim).
POSITIONS = rf'{FUSION}\.position_[va]\.pe'
PERCEPTUAL = r'perceptual\..*'  # the VGG19 of the loss, stored in the renderer's checkpoint (A.3)


def landmark_entries(net: Audio2Mouth) -> list[Entry]:
  """Tensors of the landmark generator, but for `POSITIONS`, and leaves of `net`."""
  table = encoder('mel_encoder', ('mel_encoder', 'convs'), len(MEL_TABLE))
  table += encoder('ref_encoder', ('ref_encoder',), len(REF_TABLE))
  table += encoder('pose_encoder', ('pose_encoder',), len(POSE_TABLE))
  table += norm('Norm', ('norm',), statistics=False)
  table.append(Entry(f'{FUSION}.modality.weight', ('params', 'modality')))
  for i in range(net.layers):
    table += _layer(f'{FUSION}.transformer_encoder.layers.{i}', (f'layer_{i}',), net.heads)
  # "mouse" is the repository's spelling.
  return table + dense('mouse_keypoint_map', ('lips',)) + dense('jaw_keypoint_map', ('jaw',))


def _layer(tensor: str, path: Names, heads: int) -> list[Entry]:
  """One layer of the transformer; queries, keys and values stand in one tensor."""
  split = Turn(lambda x: x.T.reshape(x.shape[1], heads, -1), lambda x: x.reshape(len(x), -1).T)
  vector = Turn(lambda x: x.reshape(heads, -1), lambda x: x.reshape(-1))
  joined = Turn(lambda x: x.T.reshape(heads, -1, len(x)), lambda x: x.reshape(-1, x.shape[-1]).T)
  table = []
  for i, name in enumerate(('query', 'key', 'value')):
    for kind, leaf, turn in (('weight', 'kernel', split), ('bias', 'bias', vector)):
      table.append(Entry(f'{tensor}.self_attn.in_proj_{kind}',
                         ('params', *path, 'attention', name, leaf), turn, rows=(i, 3)))
  table += dense(f'{tensor}.self_attn.out_proj', (*path, 'attention', 'out'), turn=joined)
  for i in (1, 2):
    table += dense(f'{tensor}.linear{i}', (*path, f'linear_{i}'))
    table += norm(f'{tensor}.norm{i}', (*path, f'norm_{i}'), statistics=False)
  return table


def renderer_entries() -> list[Entry]:
  """Tensors of the renderer, but for `PERCEPTUAL`, and leaves of a `Renderer` with AdaIN."""
  flow, paint = 'flow_module', 'translation'
  table = _opening(flow, bias=True) + _opening(paint, bias=False)
  for i in (1, 2, 4):
    table += _spade(f'{flow}.spade_layer_{i}', (flow, f'spade_{i}'))
    table += _spade(f'{paint}.spade_{i}', (paint, f'spade_{i}'), bgr(1) if i == 4 else CONV)
  for theirs, ours in (('conv_4', 'flow'), ('conv_5.0', 'weight_1'), ('conv_5.2', 'weight_2')):
    table += convolution(f'{flow}.{theirs}', (flow, ours))
  for i in (1, 2):
    table += _adain(f'{paint}.adain_{i}', (paint, f'adain_{i}'))
  table += encoder(f'{paint}.audio_encoder', (paint, 'audio_encoder', 'convs'), len(MEL_TABLE))
  return table + convolution(f'{paint}.conv_last', (paint, 'conv_last'), bias=False, turn=bgr(0))


def added_entries(net: Renderer) -> list[Entry]:
  """Layers of `net` that IP-LAP's renderer lacks, by their own names."""
  names = ['occlusion'] * net.occlusion + ['head_1', 'head_2'] * bool(net.head)
  return [entry for name in names * net.skip
          for entry in convolution(f'translation.{name}', ('translation', name))]


def _opening(name: str, bias: bool) -> list[Entry]:
  """The two convolutions with which either part begins; the first sees a picture."""
  table = convolution(f'{name}.conv1', (name, 'conv1'), bias, bgr(1))
  table += convolution(f'{name}.conv2', (name, 'conv2'), bias)
  return table + norm(f'{name}.conv1_bn', (name, 'conv1_norm')) + norm(
    f'{name}.conv2_bn', (name, 'conv2_norm'))


def _spade(tensor: str, path: Names, modulation: Turn = CONV) -> list[Entry]:
  """Two SPADE layers and their convolutions; `modulation` turns the kernels that see a picture."""
  table = []
  for i in (1, 2):
    layer, ours = f'{tensor}.spade_layer_{i}', (*path, f'norm_{i}')
    table += convolution(f'{tensor}.conv_{i}', (*path, f'conv_{i}'))
    table += convolution(f'{layer}.conv1', (*ours, 'shared'), turn=modulation)
    table += _gain_shift(f'{layer}.gamma', f'{layer}.beta', ours)
  return table


def _adain(tensor: str, path: Names) -> list[Entry]:
  table = []
  for i in (1, 2):
    layer, ours = f'{tensor}.adain_layer_{i}', (*path, f'norm_{i}')
    table += convolution(f'{tensor}.conv_{i}', (*path, f'conv_{i}'))
    table += dense(f'{layer}.mlp_shared.0', (*ours, 'shared'))
    table += _gain_shift(f'{layer}.mlp_gamma', f'{layer}.mlp_beta', ours)
  return table


def _gain_shift(gain: str, shift: str, path: Names) -> list[Entry]:
  """Two layers of theirs are one of ours."""
  return [Entry(f'{tensor}.{kind}', ('params', *path, 'gain_shift', leaf), turn, columns=(i, 2))
          for i, tensor in enumerate((gain, shift))
          for kind, leaf, turn in (('weight', 'kernel', CONV), ('bias', 'bias', SAME))]


def load_landmarks(path: str | Path, net: Audio2Mouth | None = None) -> dict[str, Tree]:
  """Variables of `net`, by default of the public size, from landmarkgenerator_checkpoint.pth.

  The net then takes landmarks as they are in the crop, [0, 1].

  Raises:
    UserError: the file cannot be read or holds weights of another net.
  """
  net, tensors = net or Audio2Mouth(), read_tensors(path)
  _check_positions(tensors, net.dim, str(path))
  shapes = shapes_of(net, (1, 5, 80, 16), (1, 5, 74, 2), (1, 5, 131, 2), train=False)
  return to_variables(landmark_entries(net), tensors, shapes, str(path), POSITIONS)


def _check_positions(tensors: Mapping[str, np.ndarray], dim: int, where: str) -> None:
  """They are constants: the importer makes them anew, if they are the known ones."""
  for name in filter(re.compile(POSITIONS).fullmatch, tensors):
    table = tensors[name]
    known = sinusoid(table.shape[1], dim)[None] if table.ndim == 3 else None
    if known is None or table.shape != known.shape or not np.allclose(table, known, atol=1e-3):
      raise UserError(f'{where}: {name} holds no sinusoids of {dim} channels; these are weights of '
                      'another network')


def load_renderer(path: str | Path, net: Renderer | None = None) -> dict[str, Tree]:
  """Variables of `net`, by default of the public size, from renderer_checkpoint.pth.

  `net` must have `audio_adain` and, for the public file, all other fields at their defaults.

  Raises:
    UserError: the file cannot be read or holds weights of another net.
  """
  net = net or Renderer()
  shapes = shapes_of(net, (1, 8, 8, 3), (1, 5, 8, 8), (1, 1, 8, 8, 3), (1, 1, 8, 8), (1, 80, 16),
                     train=False)
  return to_variables(renderer_entries() + added_entries(net), read_tensors(path), shapes,
                      str(path), PERCEPTUAL)
