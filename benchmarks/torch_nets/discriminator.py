"""pix2pixHD's multi-scale patch discriminator with its tensor names (spec 7.3, A.5)."""

import torch
import torch.nn.functional as F
from torch import nn

MAX_CHANNELS = 512


class Discriminator(nn.Module):
  """Pictures (B, 3, H, W) -> per scale, full resolution first, the list of feature maps.

  scale{s}_layer{i}: the highest s sees full resolution, each one below half of that.
  """

  def __init__(self, scales: int = 2, layers: int = 3, width: int = 64):
    super().__init__()
    self.scales, self.layers = scales, layers
    for scale in range(scales):
      inputs = 3
      for i in range(layers + 2):
        outputs = 1 if i == layers + 1 else min(width * 2**i, MAX_CHANNELS)
        conv = nn.Conv2d(inputs, outputs, 4, 2 if i < layers else 1, 2)
        norm = [nn.InstanceNorm2d(outputs)] if 0 < i <= layers else []
        act = [nn.LeakyReLU(0.2)] if i <= layers else []
        self.add_module(f'scale{scale}_layer{i}', nn.Sequential(conv, *norm, *act))
        inputs = outputs

  def forward(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
    results = []
    for scale in reversed(range(self.scales)):
      maps = [x]
      for i in range(self.layers + 2):
        maps.append(getattr(self, f'scale{scale}_layer{i}')(maps[-1]))
      results.append(maps[1:])
      x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    return results
