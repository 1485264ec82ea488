"""The gray ResNet-18 that ronghuaiyang/arcface-pytorch trained on CASIA, with its tensor names."""

from collections.abc import Sequence

import torch
from torch import nn

from benchmarks.torch_nets.residual import add_layers, conv3x3, last_side, run_layers, shortcut


class GrayBlock(nn.Module):
  """BN, conv, BN, PReLU, conv (stride), BN, plus a shortcut, and the same PReLU of one slope."""

  def __init__(self, inputs: int, outputs: int, stride: int):
    super().__init__()
    self.bn0, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, inputs)
    self.bn1, self.prelu = nn.BatchNorm2d(inputs), nn.PReLU()
    self.conv2, self.bn2 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
    self.downsample = shortcut(inputs, outputs, stride)

  def forward(self, x):
    y = self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(self.bn0(x))))))
    return self.prelu(y + (x if self.downsample is None else self.downsample(x)))


class GrayResNet(nn.Module):
  """Gray (B, 1, 128, 128) in [-1, 1] -> embeddings (B, dim), not normalised. Without SE blocks."""

  def __init__(self, stages: Sequence[int] = (2, 2, 2, 2), width: int = 64, dim: int = 512,
               input_size: int = 128, dropout: float = 0.5):
    super().__init__()
    self.conv1, self.bn1, self.prelu = conv3x3(1, width), nn.BatchNorm2d(width), nn.PReLU()
    self.maxpool = nn.MaxPool2d(2, 2)
    channels = add_layers(self, GrayBlock, stages, width, first_stride=1)
    side = last_side(input_size // 2, len(stages) - 1)  # the pooling rounds down
    self.bn4, self.dropout = nn.BatchNorm2d(channels), nn.Dropout(dropout)
    self.fc5 = nn.Linear(channels * side * side, dim)
    self.bn5 = nn.BatchNorm1d(dim)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = run_layers(self, self.maxpool(self.prelu(self.bn1(self.conv1(x)))))[-1]
    return self.bn5(self.fc5(self.dropout(self.bn4(x)).flatten(1)))
