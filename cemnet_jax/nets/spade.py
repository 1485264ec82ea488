"""SPADE: a normalised map gets its gain and shift per pixel from a picture (spec 7.3)."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jaxtyping import Array, Float

from cemnet_jax.nets.conv_pair import ConvWeights, Weights, conv_pair
from cemnet_jax.nets.layers import conv, instance_norm, leaky_relu, torch_init


def normalise(x: Float[Array, 'B N H W C']) -> Float[Array, 'B N H W C']:
  """InstanceNorm of each of B N pictures."""
  return instance_norm(x.reshape(-1, *x.shape[2:])).reshape(x.shape)


class SpadeNorm(nn.Module):
  """InstanceNorm, then a gain and a shift per pixel predicted from a modulation picture.

  `x` may hold N pictures per modulation: gain and shift are computed once and shared. It may hold
  one set (B = 1) for all modulations. `copies`: the weights are for each channel of the modulation
  that many times in a row, as IP-LAP shows a sketch in three equal channels.
  """
  hidden: int
  start: Callable = torch_init
  copies: int = 1

  @nn.compact
  def __call__(self, x: Float[Array, '#B N H W C'],
               modulation: Float[Array, 'B H W M']) -> Float[Array, 'B N H W C']:
    """(B, N, H, W, C), (B, H, W, M) -> (B, N, H, W, C): n * (1 + gain) + shift."""
    channels = modulation.shape[-1]
    shared = ConvWeights(self.hidden, self.start, name='shared')(channels * self.copies)
    last = ConvWeights(2 * x.shape[-1], self.start, name='gain_shift')(self.hidden)
    kernel = shared.kernel.reshape(3, 3, channels, self.copies, self.hidden).sum(3)
    modulation, kernel, bias, *last = promote_dtype(modulation, kernel, shared.bias, *last)
    both = conv_pair(modulation, Weights(kernel, bias), Weights(*last))[:, None]
    gain, shift = jnp.split(both, 2, axis=-1)
    return normalise(x) * (1 + gain) + shift


class SpadeBlock(nn.Module):
  """Twice: SPADE, LeakyReLU 0.2, convolution. No skip."""
  hidden: int
  start: Callable = torch_init
  last_start: Callable | None = None  # of the second convolution, where it differs
  copies: int = 1

  @nn.compact
  def __call__(self, x: Float[Array, '#B N H W C'],
               modulation: Float[Array, 'B H W M']) -> Float[Array, 'B N H W C']:
    """(B, N, H, W, C), (B, H, W, M) -> (B, N, H, W, C)."""
    for i, start in ((1, self.start), (2, self.last_start or self.start)):
      norm = SpadeNorm(self.hidden, self.start, self.copies, name=f'norm_{i}')
      x = leaky_relu(norm(x, modulation))
      x = conv(x.shape[-1], (3, 3), padding=1, kernel_init=start, name=f'conv_{i}')(x)
    return x
