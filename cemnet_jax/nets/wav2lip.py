"""Wav2Lip's generator (Prajwal et al. 2020): a U-Net over two pictures with speech at its bottom.

It draws one frame at a time: a picture whose lower half is blank, and one of the same person with
any mouth, become the first picture with the mouth of the speech.
"""

from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cemnet_jax.errors import UserError
from cemnet_jax.nets.audio_encoder import PointDeconv
from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import (
  ConvBlock,
  MelEncoder,
  centred_init,
  conv,
  pixel_shuffle,
  scaled,
  torch_init,
)

BOTTOM = 3  # px of the smallest map that still has a place
# Channels and residual blocks at 3, 6, 12, 24, 48 and 96 px, as the public net has them.
FACE = ((512, 1), (256, 2), (128, 2), (64, 3), (32, 2), (16, 0))
DECODER = ((512, 1), (512, 2), (384, 2), (256, 2), (128, 2), (64, 2))
OUTPUT = 32  # channels before the last convolution
THINNEST = 16  # at any width: rectified copies of two RGB pictures need as many channels
# (parity of the output pixel, input pixel from its own place on, tap of the kernel) that meet.
TAPS = np.array([[[0, 1, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 1]]], np.float32)


def level_count(size: int, smallest: int = 12) -> int:
  """How many sizes from 3 px up to `size`, each twice the last: 6 for the paper's 96.

  Raises:
    UserError: `size` is none of `smallest`, twice that, ..., 96.
  """
  sizes = [BOTTOM << level for level in range(len(FACE))]
  allowed = [s for s in sizes if s >= smallest]
  if size not in allowed:
    raise UserError(f'data.image_size={size}: wav2lip and its lip expert take pictures of '
                    f'{", ".join(map(str, allowed))} px')
  return sizes.index(size) + 1


class Wav2Lip(nn.Module):
  """The generator; `width` scales all channels, down to `THINNEST`.

  Smaller pictures than 96 px leave out the shallow levels: a map of a given size has the same
  channels in every net. `centred` starts with convolutions that hardly blur, for training in few
  steps; else with PyTorch's start.
  """
  width: float = 1.0
  centred: bool = False

  @nn.compact
  def __call__(self, masked: Float[Array, 'B H W 3'], reference: Float[Array, 'B H W 3'],
               mel: Float[Array, 'B 80 16'], *, train: bool) -> Float[Array, 'B H W 3']:
    """Pictures in [0, 1], `masked` with zeros below H/2, and the mel of the frame -> picture.

    Raises:
      UserError: H is none of 12, 24, 48, 96.
    """
    size = masked.shape[1]
    levels = level_count(size)
    width = lambda channels: max(min(channels, THINNEST), scaled(channels, self.width))
    block = partial(self._block, train=train)
    x = jnp.concatenate([masked, reference], axis=-1)
    maps = []
    for i, (channels, residuals) in enumerate(FACE[levels - 1::-1]):
      kernel, stride = (3, 2) if i else (7, 1)
      x = block(f'face_{i}_0', x, width(channels), kernel, stride, kernel // 2)
      # The opening level has no residual blocks at any size, as at 96 px.
      for j in range(residuals if i else 0):
        x = block(f'face_{i}_{j + 1}', x, width(channels), residual=True)
      maps.append(x)
    x = block(f'face_{levels}_0', x, width(512), padding=0)
    maps.append(block(f'face_{levels}_1', x, width(512), 1, padding=0))

    audio = MelEncoder(width(512), self.width, nn.relu, name='audio')(mel, train=train)
    x = block('up_0_0', audio[:, None, None], width(512), 1, padding=0)
    for i, (channels, residuals) in enumerate(DECODER[:levels], start=1):
      x = jnp.concatenate([x, maps.pop()], axis=-1)
      x = UpBlock(width(channels), self.centred, name=f'up_{i}_0')(x, train=train)
      for j in range(residuals):
        x = block(f'up_{i}_{j + 1}', x, width(channels), residual=True)
    x = block('output', jnp.concatenate([x, maps.pop()], axis=-1), width(OUTPUT))
    return nn.sigmoid(conv(3, (1, 1), name='rgb')(x))

  def _block(self, name, x, channels, kernel=3, stride=1, padding=1, residual=False, *, train):
    start = centred_init if self.centred else torch_init
    return ConvBlock(channels, (kernel, kernel), stride, padding, residual, kernel_init=start,
                     name=name)(x, train=train)


class UpBlock(nn.Module):
  """Transposed 3x3 convolution, BatchNorm, ReLU: one pixel becomes 3 x 3, other maps double."""
  features: int
  centred: bool = False

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W C'], *, train: bool) -> Float[Array, 'B H2 W2 D']:
    """(B, 1, 1, C) -> (B, 3, 3, features); (B, H, W, C) -> (B, 2H, 2W, features)."""
    if x.shape[1:3] == (1, 1):
      x = PointDeconv(self.features, (3, 3), (0, 0), name='conv')(x)
    else:
      x = DoublingDeconv(self.features, self.centred, name='conv')(x)
    return nn.relu(BatchNorm(use_running_average=not train, name='norm')(x))


def square_init(key: Array, shape: Sequence[int], dtype=jnp.float32) -> Array:
  """`centred_init` of a (3, 3, in, out) kernel that doubles: every pixel becomes a square of 2."""
  kernel = centred_init(key, shape, dtype)
  return kernel.at[:2, :2].set(kernel[1, 1])


class DoublingDeconv(nn.Module):
  """A transposed 3x3 convolution of stride 2, PyTorch's padding 1 and output padding 1.

  Parameters as nn.ConvTranspose has them. Output pixels of even and odd place see one and two
  input pixels along each axis: a 2x2 convolution makes all four kinds of them side by side, without
  the zeros of a dilated input, which cost most of the time on a CPU.
  """
  features: int
  centred: bool = False

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W C']) -> Float[Array, 'B H2 W2 D']:
    """(B, H, W, C) -> (B, 2H, 2W, features)."""
    channels = x.shape[-1]
    start = square_init if self.centred else torch_init
    kernel = self.param('kernel', start, (3, 3, channels, self.features))
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    kernel = jnp.einsum('atk,bsl,klcd->tscdab', TAPS, TAPS, kernel)
    kernel = kernel.reshape(2, 2, channels, 4 * self.features)
    y = jax.lax.conv_general_dilated(x, kernel, (1, 1), ((0, 1), (0, 1)),
                                     dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
    return pixel_shuffle(y) + bias
