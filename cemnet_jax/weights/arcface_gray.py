"""The gray ResNet-18 of ronghuaiyang/arcface-pytorch, for `nets.gray_resnet.GrayResNet`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.weights.insightface import prelu, shortcut
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


def entries(net: GrayResNet) -> list[Entry]:
  """The tensors of `resnet_face18(use_se=False)` (spec 5) and the leaves of `net`."""
  table = convolution('conv1', ('conv',), bias=False) + norm('bn1', ('norm',))
  table += prelu('prelu', ('prelu',))
  for i, blocks in enumerate(net.stages):
    for j in range(blocks):
      table += _block(f'layer{i + 1}.{j}', f'stage_{i}_{j}', strided=bool(i) and not j)
  strided = len(net.stages) - 1
  # The pooling before the stages rounds down.
  turn = after_stages(net.width * 2**strided, net.input_size // 2, strided)
  table += norm('bn4', ('last_norm',)) + convolution('fc5', ('linear',), turn=turn)
  return table + norm('bn5', ('features',))


def load_arcface_gray(path: str | Path) -> tuple[GrayResNet, dict[str, Tree]]:
  """The net at its public size and its variables; UserError where the file holds others."""
  return from_tensors(read_tensors(path), str(path))


def from_tensors(tensors: Mapping[str, np.ndarray],
                 where: str) -> tuple[GrayResNet, dict[str, Tree]]:
  """The same from arcface-pytorch's tensors; `where` names their file in errors."""
  if any('.se.' in name for name in tensors):
    raise UserError(f'{where}: has squeeze-and-excitation blocks, which this network has not; give '
                    'weights trained with use_se=False, such as the public resnet18_110.pth')
  net = GrayResNet()
  shapes = shapes_of(net, (1, net.input_size, net.input_size, 3), train=False)
  return net, to_variables(entries(net), tensors, shapes, where)


def _block(tensor: str, name: str, strided: bool) -> list[Entry]:
  table = norm(f'{tensor}.bn0', (name, 'norm_0')) + prelu(f'{tensor}.prelu', (name, 'prelu'))
  for i in (1, 2):
    table += convolution(f'{tensor}.conv{i}', (name, f'conv_{i}'), bias=False)
    table += norm(f'{tensor}.bn{i}', (name, f'norm_{i}'))
  return table + shortcut(tensor, (name,)) * strided
