"""Two 3x3 convolutions with nothing between them, as one 5x5 where that takes fewer products."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import torch_init

PLANE, LINE = ('NHWC', 'HWIO', 'NHWC'), ('NHC', 'HIO', 'NHC')  # XLA's names of the axes


class Weights(NamedTuple):
  """Of a 3x3 convolution with padding 1."""
  kernel: Float[Array, '3 3 I O']
  bias: Float[Array, ' O']


class ConvWeights(nn.Module):
  """The parameters of a 3x3 `layers.conv`, by its names and with its start, not yet applied."""
  features: int
  start: Callable = torch_init

  @nn.compact
  def __call__(self, channels: int) -> Weights:
    """Of a convolution from `channels` to `features`."""
    return Weights(self.param('kernel', self.start, (3, 3, channels, self.features)),
                   self.param('bias', nn.initializers.zeros, (self.features,)))


def conv_pair(x: Float[Array, 'B H W M'], first: Weights,
              second: Weights) -> Float[Array, 'B H W O']:
  """`second` after `first`, both padded by zeros to the size of `x`: the same function either way,
  sums in another order."""
  m, h = first.kernel.shape[2:]
  o = second.kernel.shape[3]
  if 25 * m * o < 9 * m * h + 9 * h * o:  # products per pixel
    return _composed(x, first, second)
  return _conv(_conv(x, *first), *second)


def _conv(x: Array, kernel: Array, bias: Array) -> Array:
  padding = [(k // 2, k // 2) for k in kernel.shape[:2]]
  return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=PLANE) + bias


def _composed(x: Array, first: Weights, second: Weights) -> Array:
  """One convolution, less what the ring around the first one's picture, which is zero, would add.
  """
  bias = second.bias + jnp.einsum('h,uvho->o', first.bias, second.kernel)
  y = _conv(x, _compose(first.kernel, second.kernel), bias)
  height, width = x.shape[1:3]

  def ring(edge: Array, kernel: Array) -> Array:
    """The first convolution one pixel outside of an edge (B, n, M): (B, n + 2, h)."""
    return _conv_line(edge, kernel, 2) + first.bias

  top, bottom = ring(x[:, 0], first.kernel[2]), ring(x[:, -1], first.kernel[0])
  left, right = ring(x[:, :, 0], first.kernel[:, 2]), ring(x[:, :, -1], first.kernel[:, 0])
  rows = (_conv_line(top, second.kernel[0], 0), _conv_line(bottom, second.kernel[2], 0))
  columns = (_conv_line(left[:, 1:-1], second.kernel[:, 0], 1),  # corners are in the rows
             _conv_line(right[:, 1:-1], second.kernel[:, 2], 1))
  for at, row in zip((0, height - 1), rows, strict=True):
    y -= jnp.pad(row[:, None], ((0, 0), (at, height - 1 - at), (0, 0), (0, 0)))
  for at, column in zip((0, width - 1), columns, strict=True):
    y -= jnp.pad(column[:, :, None], ((0, 0), (0, 0), (at, width - 1 - at), (0, 0)))
  return y


def _compose(first: Float[Array, '3 3 M h'],
             second: Float[Array, '3 3 h O']) -> Float[Array, '5 5 M O']:
  """The kernel that does both: the first's, as M pictures, convolved with the turned second."""
  turned = second[::-1, ::-1]
  kernel = lax.conv_general_dilated(
    first.transpose(2, 0, 1, 3), turned, (1, 1), [(2, 2), (2, 2)], dimension_numbers=PLANE)
  return kernel.transpose(1, 2, 0, 3)


def _conv_line(x: Float[Array, 'B n I'], kernel: Float[Array, '3 I O'],
               padding: int) -> Float[Array, 'B k O']:
  return lax.conv_general_dilated(x, kernel, (1,), [(padding, padding)], dimension_numbers=LINE)
