"""VGG19 up to relu5_1, the feature maps of the perceptual loss (spec 7.3)."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import max_pool

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1], torchvision's
IMAGENET_STD = (0.229, 0.224, 0.225)
# Convolutions per block (VGG19 "E"; its last block is cut after relu5_1) and their channels.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (1, 512))


def layer_names() -> tuple[str, ...]:
  """The 13 convolutions in order: conv1_1, conv1_2, conv2_1, ..., conv5_1."""
  return tuple(
    f'conv{b}_{i}' for b, (count, _) in enumerate(BLOCKS, 1) for i in range(1, count + 1))


class VGG19Features(nn.Module):
  """relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 of VGG19; frozen weights from `weights.vgg19`.

  `iplap_input` reproduces IP-LAP's input: its [0, 1] BGR pictures go through (x + 1) / 2 and then
  ImageNet's RGB statistics. Off: RGB in [0, 1] and the statistics, as the network was trained.
  """
  iplap_input: bool = False

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3']) -> list[Float[Array, 'B _ _ _']]:
    """RGB (B, H, W, 3) in [0, 1] -> five maps, at H, H/2, H/4, H/8, H/16. H, W at least 16."""
    if self.iplap_input:
      images = (images[..., ::-1] + 1) / 2
    x = (images - jnp.array(IMAGENET_MEAN)) / jnp.array(IMAGENET_STD)
    maps = []
    for block, (count, channels) in enumerate(BLOCKS, 1):
      if block > 1:
        x = max_pool(x, (2, 2), (2, 2))
      for i in range(1, count + 1):
        x = nn.relu(nn.Conv(channels, (3, 3), padding=1, name=f'conv{block}_{i}')(x))
        if i == 1:
          maps.append(x)
    return maps
