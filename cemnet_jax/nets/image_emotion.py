"""Image emotion extractor, spec 4.4: a ResNet-18 from a face crop to a feature and logits."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import ConvBlock, conv, max_pool

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
  """Two 3x3 convolutions and a shortcut, ResNet-18's block."""
  features: int
  stride: int = 1

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W C'], *, train: bool) -> Float[Array, 'B H2 W2 D']:
    """(B, H, W, C) -> (B, ceil(H/stride), ceil(W/stride), features)."""
    y = ConvBlock(self.features, (3, 3), self.stride, 1, use_bias=False, name='block_1')(
      x, train=train)
    y = conv(self.features, (3, 3), 1, 1, use_bias=False, name='conv_2')(y)
    y = BatchNorm(use_running_average=not train, name='norm_2')(y)
    if self.stride != 1 or x.shape[-1] != self.features:
      x = conv(self.features, (1, 1), self.stride, use_bias=False, name='shortcut')(x)
      x = BatchNorm(use_running_average=not train, name='shortcut_norm')(x)
    return nn.relu(x + y)


class ImageEmotion(nn.Module):
  """ResNet-18 trunk of base width `width` (feature size 8*width, 512 by default), linear head."""
  width: int = 64
  classes: int = 8
  stages: Sequence[int] = (2, 2, 2, 2)

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], *, train: bool, return_maps: bool = False):
    """RGB (B, H, W, 3) in [0, 1] -> (features (B, 8*width), logits (B, classes)).

    With `return_maps` a third value: the list of five feature maps, at 1/2, 1/4, 1/8, 1/16 and
    1/32 of the picture, which stand in for VGG's in the perceptual loss.
    """
    x = (images - jnp.array(IMAGENET_MEAN)) / jnp.array(IMAGENET_STD)
    x = ConvBlock(self.width, (7, 7), 2, 3, use_bias=False, name='stem')(x, train=train)
    maps = [x]
    x = max_pool(x, (3, 3), (2, 2), 1)
    for i, blocks in enumerate(self.stages):
      for j in range(blocks):
        x = BasicBlock(self.width * 2**i, 2 if i and not j else 1, name=f'stage_{i}_{j}')(
          x, train=train)
      maps.append(x)
    features = x.mean((1, 2))
    logits = nn.Dense(self.classes, name='linear')(features)
    return (features, logits, maps) if return_maps else (features, logits)
