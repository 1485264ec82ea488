"""ResNet-18 with a head of eight emotions, with torchvision's tensor names (spec 4.4)."""

from collections.abc import Sequence

import torch
from torch import nn

from benchmarks.torch_nets.residual import add_layers, conv3x3, run_layers, shortcut


class BasicBlock(nn.Module):
  """Two convolutions with BatchNorm and a shortcut."""

  def __init__(self, inputs: int, outputs: int, stride: int):
    super().__init__()
    self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
    self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
    self.downsample = shortcut(inputs, outputs, stride)

  def forward(self, x):
    y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
    return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ImageEmotion(nn.Module):
  """RGB (B, 3, H, W), standardised -> features (B, 8 width), logits, the five maps on the way."""

  def __init__(self, stages: Sequence[int] = (2, 2, 2, 2), width: int = 64, classes: int = 8):
    super().__init__()
    self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
    self.bn1, self.maxpool = nn.BatchNorm2d(width), nn.MaxPool2d(3, 2, 1)
    self.fc = nn.Linear(add_layers(self, BasicBlock, stages, width, first_stride=1), classes)

  def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    stem = torch.relu(self.bn1(self.conv1(x)))
    maps = [stem, *run_layers(self, self.maxpool(stem))]
    features = maps[-1].mean((2, 3))
    return features, self.fc(features), maps
