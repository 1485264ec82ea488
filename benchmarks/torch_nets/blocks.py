"""What the nets of Wav2Lip and IP-LAP share: blocks of convolution, BatchNorm, activation."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from cemnet_jax.nets.layers import scaled

Row = tuple  # (outputs, kernel, stride, padding, residual)


class ConvBlock(nn.Module):
  """Convolution, BatchNorm, (+ input), activation over `rank` axes; Wav2Lip's tensor names."""

  def __init__(self, inputs: int, outputs: int, kernel: int | Sequence[int],
               stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0,
               residual: bool = False, act: Callable = torch.relu, rank: int = 2):
    super().__init__()
    conv, norm = {1: (nn.Conv1d, nn.BatchNorm1d), 2: (nn.Conv2d, nn.BatchNorm2d)}[rank]
    self.conv_block = nn.Sequential(
      conv(inputs, outputs, kernel, stride, padding), norm(outputs))
    self.residual, self.act = residual, act

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    y = self.conv_block(x)
    return self.act(y + x if self.residual else y)


class UpBlock(nn.Module):
  """Transposed 3 x 3 convolution, BatchNorm, ReLU."""

  def __init__(self, inputs: int, outputs: int, stride: int = 2, padding: int = 1,
               output_padding: int = 1):
    super().__init__()
    self.conv_block = nn.Sequential(
      nn.ConvTranspose2d(inputs, outputs, 3, stride, padding, output_padding),
      nn.BatchNorm2d(outputs))

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return torch.relu(self.conv_block(x))


def same(channels: int, count: int) -> list[Row]:
  """`count` residual rows that keep the size."""
  return [(channels, 3, 1, 1, True)] * count


def encoder(rows: Sequence[Row], inputs: int, rank: int = 2, dim: int = 512, width: float = 1.0,
            last_act: Callable = torch.relu) -> nn.Sequential:
  """ConvBlocks of `rows`; 512 channels become `dim`, others `width` times theirs."""
  blocks = []
  for i, (outputs, *how) in enumerate(rows):
    outputs = dim if outputs == 512 else scaled(outputs, width)
    act = last_act if i == len(rows) - 1 else torch.relu
    blocks.append(ConvBlock(inputs, outputs, *how, act, rank))
    inputs = outputs
  return nn.Sequential(*blocks)


# The 13 convolutions over mel windows (1, 80, 16) of spec A.1.
MEL_ROWS = [
  (32, 3, 1, 1, False), *same(32, 2), (64, 3, (3, 1), 1, False), *same(64, 2),
  (128, 3, 3, 1, False), *same(128, 2), (256, 3, (3, 2), 1, False), *same(256, 1),
  (512, 3, 1, 0, False), (512, 1, 1, 0, False)]
