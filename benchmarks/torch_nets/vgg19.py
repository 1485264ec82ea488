"""VGG19 up to relu5_1 with torchvision's tensor names, and the five maps of the perceptual loss."""

import torch
from torch import nn

# Channels of torchvision's configuration E, cut after relu5_1; 'M' is a max-pool.
PLAN = (64, 64, 'M', 128, 128, 'M', 256, 256, 256, 256, 'M', 512, 512, 512, 512, 'M', 512)
TAPS = (1, 6, 11, 20, 29)  # the layers whose outputs are relu1_1, relu2_1, ... relu5_1


class VGG19Features(nn.Module):
  """RGB (B, 3, H, W), standardised -> relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 (spec 7.3)."""

  def __init__(self):
    super().__init__()
    layers, channels = [], 3
    for step in PLAN:
      if step == 'M':
        layers.append(nn.MaxPool2d(2, 2))
        continue
      layers += [nn.Conv2d(channels, step, 3, padding=1), nn.ReLU()]
      channels = step
    self.features = nn.Sequential(*layers)

  def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
    maps = []
    for i, layer in enumerate(self.features):
      x = layer(x)
      if i in TAPS:
        maps.append(x)
    return maps
