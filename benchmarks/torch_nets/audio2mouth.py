"""IP-LAP's landmark generator with its tensor names (spec 2.3, A.1)."""

import math

import torch
from torch import nn

from benchmarks.torch_nets.blocks import MEL_ROWS, encoder, same

POSE, AUDIO, REFERENCE = 1, 2, 3  # rows of the modality table; row 0 is padding
POSITIONS = 512  # that the tables of positions hold
LIPS, JAW = 40, 17  # points


def _tower(*levels: tuple[int, int, int]) -> list[tuple]:
  """Rows of levels (channels, stride, residual blocks)."""
  rows = [(4, 3, 1, 1, False)]
  for channels, stride, count in levels:
    rows += [(channels, 3, stride, 1, False), *same(channels, count)]
  return [*rows, (512, 3, 1, 0, False)]


REF_ROWS = [*_tower((8, 2, 2), (16, 2, 2), (32, 2, 2), (64, 2, 2), (128, 2, 2), (256, 2, 1)),
            (512, 1, 1, 0, False)]
POSE_ROWS = [*_tower((8, 1, 2), (16, 2, 2), (32, 2, 2), (64, 2, 2), (128, 2, 2), (256, 2, 2)),
             (512, 1, 1, 0, True)]


class Positions(nn.Module):
  """A table of position codes, stored with the weights: even channels sine, odd cosine."""

  def __init__(self, dim: int):
    super().__init__()
    angle = torch.arange(POSITIONS)[:, None] * torch.exp(
      torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    table = torch.stack([angle.sin(), angle.cos()], -1).reshape(1, POSITIONS, dim)
    self.register_buffer('pe', table)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return x + self.pe[:, :x.shape[1]]


class Fusion(nn.Module):
  """Tokens of references, audio and pose through a post-norm transformer."""

  def __init__(self, dim: int, heads: int, layers: int, ffn: int, dropout: float):
    super().__init__()
    self.position_v, self.position_a = Positions(dim), Positions(dim)
    self.modality = nn.Embedding(4, dim, padding_idx=0)
    self.dropout = nn.Dropout(dropout)
    layer = nn.TransformerEncoderLayer(dim, heads, ffn, dropout, batch_first=True)
    self.transformer_encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

  def forward(self, ref: torch.Tensor, audio: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
    kind = self.modality.weight
    tokens = torch.cat([ref + kind[REFERENCE], self.position_a(audio) + kind[AUDIO],
                        self.position_v(pose) + kind[POSE]], 1)
    return self.transformer_encoder(self.dropout(tokens))


class Audio2Mouth(nn.Module):
  """mel (B, T, 80, 16), pose (B, T, 2, 74), ref (B, N, 2, 131) -> content points (B, T, 2, 57)."""

  def __init__(self, width: float = 1.0, dim: int = 512, heads: int = 4, layers: int = 4,
               ffn: int = 1024, dropout: float = 0.1):
    super().__init__()
    self.mel_encoder = encoder(MEL_ROWS, 1, 2, dim, width, torch.tanh)
    self.ref_encoder = encoder(REF_ROWS, 2, 1, dim, width, torch.tanh)
    self.pose_encoder = encoder(POSE_ROWS, 2, 1, dim, width, torch.tanh)
    self.fusion_transformer = Fusion(dim, heads, layers, ffn, dropout)
    self.mouse_keypoint_map = nn.Linear(dim, 2 * LIPS)  # the repository's spelling
    self.jaw_keypoint_map = nn.Linear(dim, 2 * JAW)
    self.Norm = nn.LayerNorm(dim)

  def forward(self, mel: torch.Tensor, pose: torch.Tensor, ref: torch.Tensor) -> torch.Tensor:
    audio = self.tokens(self.mel_encoder, mel[:, :, None])
    return self.fuse(self.tokens(self.ref_encoder, ref), audio,
                     self.tokens(self.pose_encoder, pose))

  def fuse(self, ref: torch.Tensor, audio: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
    """Tokens (B, N or T, dim) -> content points."""
    out = self.fusion_transformer(ref, audio, pose)
    n, t = ref.shape[1], audio.shape[1]
    lips, jaw = self.mouse_keypoint_map(out[:, n:n + t]), self.jaw_keypoint_map(out[:, n + t:])
    points = torch.cat([jaw, lips], -1).unflatten(-1, (JAW + LIPS, 2))
    return points.transpose(-1, -2)

  def tokens(self, encode: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """(B, N or T, ...) -> (B, N or T, dim)."""
    return self.Norm(encode(x.flatten(0, 1)).flatten(1)).unflatten(0, x.shape[:2])
