"""insightface's improved ResNet for faces, with arcface_torch's tensor names (spec A.7)."""

from collections.abc import Sequence

import torch
from torch import nn

from benchmarks.torch_nets.residual import add_layers, conv3x3, last_side, run_layers, shortcut

STAGES = {18: (2, 2, 2, 2), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}  # blocks, by the net's number


class IBlock(nn.Module):
  """BN, conv, BN, PReLU, conv (stride), BN, plus a shortcut."""

  def __init__(self, inputs: int, outputs: int, stride: int):
    super().__init__()
    self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs)
    self.bn2, self.prelu = nn.BatchNorm2d(outputs), nn.PReLU(outputs)
    self.conv2, self.bn3 = conv3x3(outputs, outputs, stride), nn.BatchNorm2d(outputs)
    self.downsample = shortcut(inputs, outputs, stride)

  def forward(self, x):
    y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
    return y + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
  """RGB (B, 3, 112, 112) in [-1, 1] -> embeddings (B, dim), not normalised."""

  def __init__(self, stages: Sequence[int] = STAGES[50], width: int = 64, dim: int = 512,
               input_size: int = 112):
    super().__init__()
    self.conv1, self.bn1, self.prelu = conv3x3(3, width), nn.BatchNorm2d(width), nn.PReLU(width)
    channels = add_layers(self, IBlock, stages, width, first_stride=2)
    side = last_side(input_size, len(stages))
    self.bn2 = nn.BatchNorm2d(channels)
    self.fc = nn.Linear(channels * side * side, dim)
    self.features = nn.BatchNorm1d(dim)
    self.freeze_scale()

  def freeze_scale(self):
    """The scale of the embedding is 1 for good."""
    nn.init.ones_(self.features.weight)
    self.features.weight.requires_grad = False

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = run_layers(self, self.prelu(self.bn1(self.conv1(x))))[-1]
    return self.features(self.fc(self.bn2(x).flatten(1)))
