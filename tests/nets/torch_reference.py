"""PyTorch counterparts of the nets, plain layers after the spec's tables, and weight copying.

Modules here are named and laid out for the tests alone; they are not the ancestors' checkpoints.
"""

import jax
import numpy as np
import torch
from torch import nn


def randomise(module):
  """Random weights and running statistics, so that no layer is an identity."""
  for name, p in list(module.named_parameters()) + list(module.named_buffers()):
    if not p.is_floating_point():
      continue
    with torch.no_grad():
      if name.endswith('running_var') or (p.ndim == 1 and name.endswith('weight')):
        p.uniform_(0.6, 1.4)
      elif p.ndim == 1:
        p.normal_(0, 0.1)
      else:
        p.normal_(0, 1 / np.sqrt(p[0].numel()))
  return module.eval()


def array(tensor):
  return tensor.detach().numpy()


def kernel(weight):
  """OIHW, OIK or (out, in) -> HWIO, KIO or (in, out)."""
  weight = array(weight)
  return weight.transpose(*range(2, weight.ndim), 1, 0)


def dense(layer):
  return {'kernel': kernel(layer.weight), 'bias': array(layer.bias)}


def convolution(layer):
  tree = {'kernel': kernel(layer.weight)}
  return tree if layer.bias is None else tree | {'bias': array(layer.bias)}


def deconvolution(layer):
  """Transposed convolutions store (in, out, H, W) and are gradients: flip both axes."""
  weight = array(layer.weight)[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)
  return {'kernel': weight.copy(), 'bias': array(layer.bias)}


def norm(layer):
  """LayerNorm, or the parameters of BatchNorm."""
  return {'scale': array(layer.weight), 'bias': array(layer.bias)}


def statistics(layer):
  return {'mean': array(layer.running_mean), 'var': array(layer.running_var)}


def conv_block(block):
  """(params, statistics) of a `Block` for the linen ConvBlock."""
  return ({'conv': convolution(block.conv), 'norm': norm(block.norm)},
          {'norm': statistics(block.norm)})


def conv_blocks(blocks, name):
  """(params, statistics) of several, named name.format(index)."""
  pairs = {name.format(i): conv_block(b) for i, b in enumerate(blocks)}
  return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}


def same_structure(ours, copied):
  """Every leaf of the linen tree is given by the copy, with its shape."""
  shapes = jax.tree.map(lambda x: tuple(x.shape), ours)
  given = jax.tree.map(lambda x: tuple(x.shape), copied)
  assert shapes == given


class Block(nn.Module):
  """Convolution, BatchNorm, (+ input), activation in 1 or 2 dimensions."""

  def __init__(self, inputs, outputs, size, stride=1, padding=0, residual=False, act=torch.relu,
               rank=2, bias=True):
    super().__init__()
    layers = {1: (nn.Conv1d, nn.BatchNorm1d), 2: (nn.Conv2d, nn.BatchNorm2d)}[rank]
    self.conv = layers[0](inputs, outputs, size, stride, padding, bias=bias)
    self.norm = layers[1](outputs)
    self.residual, self.act = residual, act

  def forward(self, x):
    y = self.norm(self.conv(x))
    return self.act(y + x if self.residual else y)
