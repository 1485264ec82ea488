"""DeepFace's expression CNN in PyTorch; the public weights are Keras's, so the names are ours."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

from cemnet_jax.nets.layers import scaled


class DeepFaceEmotion(nn.Module):
  """Gray (B, 1, 48, 48) in [0, 1] -> features (B, 1024 width), logits (B, classes). Spec 9.2."""

  def __init__(self, classes: int = 7, width: float = 1.0, dropout: float = 0.2):
    super().__init__()
    c = lambda channels: scaled(channels, width)
    self.conv_0 = nn.Conv2d(1, c(64), 5)
    self.conv_1, self.conv_2 = nn.Conv2d(c(64), c(64), 3), nn.Conv2d(c(64), c(64), 3)
    self.conv_3, self.conv_4 = nn.Conv2d(c(64), c(128), 3), nn.Conv2d(c(128), c(128), 3)
    self.dense_0, self.dense_1 = nn.Linear(c(128), c(1024)), nn.Linear(c(1024), c(1024))
    self.dense_2 = nn.Linear(c(1024), classes)
    self.dropout = nn.Dropout(dropout)

  def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = max_pool2d(torch.relu(self.conv_0(x)), 5, 2)
    x = avg_pool2d(torch.relu(self.conv_2(torch.relu(self.conv_1(x)))), 3, 2)
    x = avg_pool2d(torch.relu(self.conv_4(torch.relu(self.conv_3(x)))), 3, 2).flatten(1)
    x = self.dropout(torch.relu(self.dense_0(x)))
    x = self.dropout(torch.relu(self.dense_1(x)))
    return x, self.dense_2(x)
