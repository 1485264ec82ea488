"""SyncNet v2 with the tensor names of syncnet_python (spec 9.1)."""

import torch
from torch import nn

from cemnet_jax.nets.layers import scaled


def _tower(conv, norm, rows) -> nn.Sequential:
  """Convolutions (channels in, out, kernel, stride, padding) with norm and ReLU; pools as given."""
  layers = []
  for row in rows:
    layers += [conv(*row), norm(row[1]), nn.ReLU()] if isinstance(row, tuple) else [row]
  return nn.Sequential(*layers)


class SyncNet(nn.Module):
  """Two towers; `width` scales the channels, `input_size` px of the frames sets the last kernel."""

  def __init__(self, width: float = 1.0, dim: int = 1024, input_size: int = 224):
    super().__init__()
    c = lambda channels: scaled(channels, width)
    self.netcnnaud = _tower(nn.Conv2d, nn.BatchNorm2d, [
      (1, c(64), 3, 1, 1), nn.MaxPool2d(1, 1),
      (c(64), c(192), 3, 1, 1), nn.MaxPool2d(3, (1, 2)),
      (c(192), c(384), 3, 1, 1), (c(384), c(256), 3, 1, 1),
      (c(256), c(256), 3, 1, 1), nn.MaxPool2d(3, 2),
      (c(256), c(512), (5, 4), 1, 0)])
    self.netfcaud, self.netfclip = (nn.Sequential(
      nn.Linear(c(512), c(512)), nn.BatchNorm1d(c(512)), nn.ReLU(), nn.Linear(c(512), dim))
      for _ in range(2))
    flat, pool = (0, 1, 1), (1, 3, 3)
    self.netcnnlip = _tower(nn.Conv3d, nn.BatchNorm3d, [
      (3, c(96), (5, 7, 7), (1, 2, 2), 0), nn.MaxPool3d(pool, (1, 2, 2)),
      (c(96), c(256), (1, 5, 5), (1, 2, 2), flat), nn.MaxPool3d(pool, (1, 2, 2), flat),
      (c(256), c(256), pool, 1, flat), (c(256), c(256), pool, 1, flat),
      (c(256), c(256), pool, 1, flat), nn.MaxPool3d(pool, (1, 2, 2)),
      (c(256), c(512), (1, *[last_side(input_size)] * 2), 1, 0)])

  def forward_aud(self, mfcc: torch.Tensor) -> torch.Tensor:
    """(B, 1, 13, 20) -> (B, dim)."""
    return self.netfcaud(self.netcnnaud(mfcc).flatten(1))

  def forward_lip(self, frames: torch.Tensor) -> torch.Tensor:
    """BGR (B, 3, 5, H, W) in [0, 255] -> (B, dim)."""
    return self.netfclip(self.netcnnlip(frames).flatten(1))


def last_side(size: int) -> int:
  """Pixels that the last kernel of the lip tower covers: 6 for frames of 224."""
  for kernel, padding in ((7, 0), (3, 0), (5, 1), (3, 1), (3, 0)):
    size = (size + 2 * padding - kernel) // 2 + 1
  return size
