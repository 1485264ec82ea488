"""pix2pixHD's multi-scale patch discriminator (spec 7.3), unconditional on the picture alone."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import instance_norm, leaky_relu

MAX_CHANNELS = 512  # pix2pixHD's cap on the doubling of channels
WEIGHT_STD = 0.02  # pix2pixHD starts convolutions from N(0, 0.02)


class PatchDiscriminator(nn.Module):
  """One scale: `layers` strided 4x4 convolutions, one more, and one score per patch."""
  layers: int = 3
  width: int = 64

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W 3']) -> list[Float[Array, 'B _ _ _']]:
    """(B, H, W, 3) -> layers + 2 maps, the last of one channel: the scores, not squashed."""
    maps = []
    for i in range(self.layers + 2):
      last = i == self.layers + 1
      channels = 1 if last else min(self.width * 2**i, MAX_CHANNELS)
      # Padding apart: XLA's CPU gradient of a 4x4 convolution that pads by 2 itself is 15x slower.
      x = jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
      x = nn.Conv(
        channels, (4, 4), strides=2 if i < self.layers else 1, padding='VALID',
        kernel_init=nn.initializers.normal(WEIGHT_STD), name=f'layer_{i}')(x)
      if not last:
        x = leaky_relu(instance_norm(x) if i else x)
      maps.append(x)
    return maps


class MultiScaleDiscriminator(nn.Module):
  """The same patch network, with weights of its own, at full, half, ... resolution."""
  scales: int = 2
  layers: int = 3
  width: int = 64

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W 3']) -> list[list[Float[Array, 'B _ _ _']]]:
    """(B, H, W, 3) in [0, 1] -> per scale (full resolution first) the list of feature maps."""
    results = []
    for i in range(self.scales):
      if i:
        x = nn.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=False)
      results.append(PatchDiscriminator(self.layers, self.width, name=f'scale_{i}')(x))
    return results
