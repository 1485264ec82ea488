"""insightface's IResNets (arcface_torch: 18, 34, 50, 100 layers) for `nets.arcface.IResNet`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.weights.mapping import (
  Entry,
  after_stages,
  convolution,
  norm,
  shapes_of,
  to_variables,
)
from cemnet_jax.weights.torch_files import read_tensors

Tree = Any
FROZEN = 'features.weight'  # the scale of the embedding, trained nowhere: one


def entries(net: IResNet) -> list[Entry]:
  """The tensors of arcface_torch's IResNet (spec A.7) and the leaves of `net`."""
  table = convolution('conv1', ('conv',), bias=False) + norm('bn1', ('norm',))
  table += prelu('prelu', ('prelu',))
  for i, blocks in enumerate(net.stages):
    for j in range(blocks):
      table += _block(f'layer{i + 1}.{j}', f'stage_{i}_{j}', strided=not j)
  strided = len(net.stages)
  turn = after_stages(net.width * 2 ** (strided - 1), net.input_size, strided)
  table += norm('bn2', ('last_norm',)) + convolution('fc', ('linear',), turn=turn)
  scale, *rest = norm('features', ('features',))
  return table + rest  # the scale is FROZEN


def prelu(tensor: str, path: tuple[str, ...]) -> list[Entry]:
  """The slopes of a PReLU."""
  return [Entry(f'{tensor}.weight', ('params', *path, 'slope'))]


def shortcut(block: str, path: tuple[str, ...]) -> list[Entry]:
  """The 1 x 1 convolution and norm beside a residual block that changes the size."""
  return (convolution(f'{block}.downsample.0', (*path, 'shortcut'), bias=False)
          + norm(f'{block}.downsample.1', (*path, 'shortcut_norm')))


def load_insightface(path: str | Path) -> tuple[IResNet, dict[str, Tree]]:
  """The net of the depth that the file's tensors tell, and its variables; else UserError."""
  return from_tensors(read_tensors(path), str(path))


def from_tensors(tensors: Mapping[str, np.ndarray], where: str) -> tuple[IResNet, dict[str, Tree]]:
  """The same from arcface_torch's tensors; `where` names their file in errors."""
  net = IResNet(stages=depth(tensors, where))
  if not np.all(np.asarray(tensors.get(FROZEN, 1)) == 1):
    raise UserError(f'{where}: tensor {FROZEN} is not one, as arcface_torch freezes it')
  shapes = shapes_of(net, (1, net.input_size, net.input_size, 3), train=False)
  return net, to_variables(entries(net), tensors, shapes, where, re.escape(FROZEN))


def depth(tensors: Mapping[str, np.ndarray], where: str) -> tuple[int, ...]:
  """Blocks of the four stages, by the names of the tensors: (3, 4, 14, 3) for IResNet-50."""
  found = [re.fullmatch(r'layer([1-4])\.\d+\.conv1\.weight', name) for name in tensors]
  stages = tuple(sum(1 for match in found if match and match[1] == str(i)) for i in (1, 2, 3, 4))
  if not all(stages):
    raise UserError(f'{where}: no layer1 to layer4 of an IResNet; give weights of insightface\'s '
                    'arcface_torch')
  return stages


def _block(tensor: str, name: str, strided: bool) -> list[Entry]:
  table = norm(f'{tensor}.bn1', (name, 'norm_1')) + prelu(f'{tensor}.prelu', (name, 'prelu'))
  for i in (1, 2):
    table += convolution(f'{tensor}.conv{i}', (name, f'conv_{i}'), bias=False)
    table += norm(f'{tensor}.bn{i + 1}', (name, f'norm_{i + 1}'))
  return table + shortcut(tensor, (name,)) * strided
