"""Landmark scorer: a picture of the crop -> its 131 landmarks, by heatmaps and their means."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import ConvBlock, conv, nearest_up
from cemnet_jax.topology import NUM_LANDMARKS

CHANNELS = (1, 2, 4, 4)  # times the width, at 1/2, 1/4, 1/8 and 1/16 of the picture


def heatmap_means(heat: Float[Array, 'B h w L']) -> Float[Array, 'B L 2']:
  """Softmax over each map's places; the mean place (x, y), where [0, 1] spans the picture."""
  height, width = heat.shape[1:3]
  share = jax.nn.softmax(heat, axis=(1, 2))
  x = jnp.einsum('bhwl,w->bl', share, (jnp.arange(width) + 0.5) / width)
  y = jnp.einsum('bhwl,h->bl', share, (jnp.arange(height) + 0.5) / height)
  return jnp.stack([x, y], -1)


class LandmarkNet(nn.Module):
  """An hourglass down to 1/16 of the picture and back to 1/4, where one map per landmark stands."""
  width: int = 32
  channels: Sequence[int] = CHANNELS

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], *, train: bool) -> Float[Array, 'B 131 2']:
    """RGB (B, H, W, 3) in [0, 1], H and W divisible by 16 -> landmarks in the crop, [0, 1]."""
    x, skips = 2 * images - 1, []
    for i, times in enumerate(self.channels):
      features = self.width * times
      x = ConvBlock(features, (3, 3), 2, 1, use_bias=False, name=f'down_{i}')(x, train=train)
      x = ConvBlock(features, (3, 3), 1, 1, True, use_bias=False, name=f'same_{i}')(x, train=train)
      skips.append(x)
    for i in (2, 1):
      beside = ConvBlock(x.shape[-1], (1, 1), use_bias=False, name=f'skip_{i}')(
        skips[i], train=train)
      x = ConvBlock(x.shape[-1], (3, 3), 1, 1, use_bias=False, name=f'up_{i}')(
        nearest_up(x) + beside, train=train)
    return heatmap_means(conv(NUM_LANDMARKS, (1, 1), name='heat')(x))
