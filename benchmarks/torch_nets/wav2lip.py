"""Wav2Lip's generator and its lip-sync expert, SyncNet_color, with their tensor names (96 px)."""

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_nets.blocks import MEL_ROWS, ConvBlock, UpBlock, encoder, same
from cemnet_jax.nets.layers import scaled

THINNEST = 16  # channels of any layer at any width
# (inputs, outputs, residual blocks) of the levels of half, quarter, ... size.
DOWN = ((16, 32, 2), (32, 64, 3), (64, 128, 2), (128, 256, 2), (256, 512, 1))
# (inputs from below, inputs from beside, outputs, residual blocks) from 3 px up.
UP = ((512, 512, 512, 1), (512, 512, 512, 2), (512, 256, 384, 2), (384, 128, 256, 2),
      (256, 64, 128, 2), (128, 32, 64, 2))
EXPERT_FACE_ROWS = [
  (32, 7, 1, 3, False), (64, 5, (1, 2), 1, False), *same(64, 2), (128, 3, 2, 1, False),
  *same(128, 3), (256, 3, 2, 1, False), *same(256, 2), (512, 3, 2, 1, False), *same(512, 2),
  (512, 3, 2, 1, False), (512, 3, 1, 0, False), (512, 1, 1, 0, False)]
EXPERT_MEL_ROWS = [*MEL_ROWS[:11], *same(256, 1), *MEL_ROWS[11:]]


class Wav2Lip(nn.Module):
  """Two BGR pictures as (B, 6, 96, 96), the first one masked, and mel (B, 80, 16) -> picture."""

  def __init__(self, width: float = 1.0):
    super().__init__()
    c = lambda channels: max(min(channels, THINNEST), scaled(channels, width))
    residual = lambda channels, count: [
      ConvBlock(c(channels), c(channels), 3, 1, 1, True) for _ in range(count)]
    faces = [[ConvBlock(6, c(16), 7, 1, 3)]]
    for inputs, outputs, count in DOWN:
      faces.append([ConvBlock(c(inputs), c(outputs), 3, 2, 1), *residual(outputs, count)])
    faces.append([ConvBlock(c(512), c(512), 3), ConvBlock(c(512), c(512), 1)])
    ups = [[ConvBlock(c(512), c(512), 1)]]
    for below, beside, outputs, count in UP:
      how = (2, 1, 1) if len(ups) > 1 else (1, 0, 0)
      ups.append([UpBlock(c(below) + c(beside), c(outputs), *how), *residual(outputs, count)])
    self.face_encoder_blocks, self.face_decoder_blocks = (
      nn.ModuleList(nn.Sequential(*blocks) for blocks in parts) for parts in (faces, ups))
    self.audio_encoder = encoder(MEL_ROWS, 1, 2, c(512), width)
    self.output_block = nn.Sequential(ConvBlock(c(64) + c(16), c(32), 3, 1, 1),
                                      nn.Conv2d(c(32), 3, 1), nn.Sigmoid())

  def forward(self, faces: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    maps = []
    for block in self.face_encoder_blocks:
      faces = block(faces)
      maps.append(faces)
    x = self.audio_encoder(mel[:, None])
    for block in self.face_decoder_blocks:
      x = torch.cat([block(x), maps.pop()], 1)
    return self.output_block(x)


class LipExpert(nn.Module):
  """Five lower faces as BGR (B, 15, 48, 96) and mel (B, 80, 16) -> unit vectors (B, dim) each."""

  def __init__(self, width: float = 1.0, dim: int = 512):
    super().__init__()
    self.face_encoder = encoder(EXPERT_FACE_ROWS, 15, 2, dim, width)
    self.audio_encoder = encoder(EXPERT_MEL_ROWS, 1, 2, dim, width)

  def forward(self, faces: torch.Tensor, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return (F.normalize(self.face_encoder(faces).flatten(1)),
            F.normalize(self.audio_encoder(mel[:, None]).flatten(1)))
