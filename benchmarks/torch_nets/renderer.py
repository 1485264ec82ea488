"""IP-LAP's renderer with its tensor names (spec 7.3, A.2): a flow module and a generator."""

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_nets.blocks import MEL_ROWS, encoder

AUDIO_HIDDEN = 128  # of AdaIN's shared layer
WEIGHT_EPS = 1e-5  # added to the sum of the references' weights
SKETCHES = 15  # five pictures of three equal channels


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, bias: bool = True):
  """A convolution padded by half its kernel."""
  return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class SpadeLayer(nn.Module):
  """InstanceNorm, then a gain and a shift per pixel predicted from a picture."""

  def __init__(self, channels: int, modulation: int, hidden: int):
    super().__init__()
    self.conv1 = conv(modulation, hidden)
    self.gamma, self.beta = conv(hidden, channels), conv(hidden, channels)

  def forward(self, x: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
    shared = self.conv1(modulation)  # no activation here
    return modulated(x, self.gamma(shared), self.beta(shared))


class AdainLayer(nn.Module):
  """InstanceNorm, then a gain and a shift per channel predicted from a vector."""

  def __init__(self, channels: int, vector: int):
    super().__init__()
    self.mlp_shared = nn.Sequential(nn.Linear(vector, AUDIO_HIDDEN), nn.ReLU())
    self.mlp_gamma, self.mlp_beta = (nn.Linear(AUDIO_HIDDEN, channels) for _ in range(2))

  def forward(self, x: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    shared = self.mlp_shared(vector)
    gain, shift = (layer(shared)[..., None, None] for layer in (self.mlp_gamma, self.mlp_beta))
    return modulated(x, gain, shift)


def modulated(x: torch.Tensor, gain: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
  """Normalised (B N, C, H, W), times 1 + gain, plus shift (B, C, H or 1, W or 1) of all N."""
  x = F.instance_norm(x).unflatten(0, (len(gain), -1))
  return (x * (1 + gain[:, None]) + shift[:, None]).flatten(0, 1)


class SpadeBlock(nn.Module):
  """Twice: SPADE, LeakyReLU 0.2, convolution. No skip."""

  def __init__(self, channels: int, modulation: int, hidden: int):
    super().__init__()
    self.conv_1, self.conv_2 = conv(channels, channels), conv(channels, channels)
    self.spade_layer_1, self.spade_layer_2 = (
      SpadeLayer(channels, modulation, hidden) for _ in range(2))

  def forward(self, x: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
    x = self.conv_1(F.leaky_relu(self.spade_layer_1(x, modulation), 0.2))
    return self.conv_2(F.leaky_relu(self.spade_layer_2(x, modulation), 0.2))


class AdainBlock(nn.Module):
  """Twice: AdaIN, LeakyReLU 0.2, convolution. No skip."""

  def __init__(self, channels: int, vector: int):
    super().__init__()
    self.conv_1, self.conv_2 = conv(channels, channels), conv(channels, channels)
    self.adain_layer_1, self.adain_layer_2 = (AdainLayer(channels, vector) for _ in range(2))

  def forward(self, x: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    x = self.conv_1(F.leaky_relu(self.adain_layer_1(x, vector), 0.2))
    return self.conv_2(F.leaky_relu(self.adain_layer_2(x, vector), 0.2))


def sampling_grid(flow: torch.Tensor) -> torch.Tensor:
  """Flow (B, 2, H, W) in pixels -> (B, H, W, 2): pixel centres at +-1, as align_corners means."""
  height, width = flow.shape[2:]
  axes = [torch.linspace(-1, 1, n, dtype=flow.dtype, device=flow.device)
          for n in (width, height)]
  identity = torch.stack(torch.meshgrid(*axes, indexing='xy'), -1)
  size = torch.tensor([width - 1, height - 1], device=flow.device)
  return identity + 2 * flow.permute(0, 2, 3, 1) / size


def warp(x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
  """IP-LAP's mixture: that grid, but sampled with align_corners=False."""
  if grid.shape[1:3] != x.shape[2:]:
    grid = F.interpolate(grid.permute(0, 3, 1, 2), x.shape[2:], mode='bilinear',
                         align_corners=False).permute(0, 2, 3, 1)
  return F.grid_sample(x, grid, align_corners=False)


class FlowModule(nn.Module):
  """Every reference warped by its own flow, all mixed by their weights.

  All N references at once: in training BatchNorm's statistics span them all.
  """

  def __init__(self, width: int, wide: int, hidden: int, kernel: int):
    super().__init__()
    self.conv1, self.conv1_bn = conv(6, width, kernel), nn.BatchNorm2d(width)
    self.conv2, self.conv2_bn = conv(width, wide, 3, 2), nn.BatchNorm2d(wide)
    self.spade_layer_1 = SpadeBlock(wide, SKETCHES, hidden)
    self.spade_layer_2 = SpadeBlock(wide, SKETCHES, hidden)
    self.spade_layer_4 = SpadeBlock(wide // 4, SKETCHES, hidden)
    self.conv_4 = conv(wide // 4, 2, kernel)
    self.conv_5 = nn.Sequential(conv(wide // 4, width, kernel), nn.ReLU(),
                                conv(width, 1, kernel), nn.Sigmoid())

  def forward(self, reference: torch.Tensor, ref_sketches: torch.Tensor,
              sketches: torch.Tensor) -> list[torch.Tensor]:
    """(B, N, 3, H, W) twice and (B, 15, H, W) -> mixed h1, h2 and pictures."""
    return self.mix(self.encode(reference.flatten(0, 1), ref_sketches.flatten(0, 1)), sketches)

  def encode(self, images: torch.Tensor, ref_sketches: torch.Tensor) -> list[torch.Tensor]:
    """h1, h2 and pictures of references (B N, 3, H, W), which no frame changes."""
    fine = torch.relu(self.conv1_bn(self.conv1(torch.cat([images, ref_sketches], 1))))
    return [fine, torch.relu(self.conv2_bn(self.conv2(fine))), images]

  def mix(self, references: list[torch.Tensor], sketches: torch.Tensor) -> list[torch.Tensor]:
    """The references of `encode`, N for each of B frames, warped and mixed."""
    fine, coarse, images = references
    each = (len(sketches), -1)
    small = F.interpolate(sketches, coarse.shape[2:])
    x = self.spade_layer_2(self.spade_layer_1(coarse, small), small)
    x = self.spade_layer_4(F.pixel_shuffle(x, 2), sketches)
    grid, weight = sampling_grid(self.conv_4(x)), self.conv_5(x)

    def mean(maps: torch.Tensor) -> torch.Tensor:
      weights = F.interpolate(weight, maps.shape[2:]).unflatten(0, each)
      warped = warp(maps, grid).unflatten(0, each)
      return (weights * warped).sum(1) / (weights.sum(1) + WEIGHT_EPS)

    return [mean(maps) for maps in references]


class Translation(nn.Module):
  """Paints the face: SPADE by the warped references, AdaIN by the audio."""

  def __init__(self, width: int, wide: int, hidden: int, kernel: int, audio_dim: int,
               audio_width: float):
    super().__init__()
    self.audio_encoder = encoder(MEL_ROWS, 1, 2, audio_dim, audio_width)
    self.conv1, self.conv1_bn = conv(3 + SKETCHES, width, kernel, bias=False), nn.BatchNorm2d(width)
    self.conv2, self.conv2_bn = conv(width, wide, 3, 2, bias=False), nn.BatchNorm2d(wide)
    self.spade_1, self.adain_1 = SpadeBlock(wide, wide, hidden), AdainBlock(wide, audio_dim)
    self.spade_2 = SpadeBlock(wide // 4, width, hidden)
    self.adain_2 = AdainBlock(wide // 4, audio_dim)
    self.spade_4 = SpadeBlock(wide // 4, 3, hidden)
    self.conv_last = conv(wide // 4, 3, kernel, bias=False)

  def forward(self, masked: torch.Tensor, sketches: torch.Tensor, warped: list[torch.Tensor],
              mel: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W), (B, 15, H, W), mixed references, (B, 80, 16) -> the face (B, 3, H, W)."""
    fine, coarse, image = warped
    audio = self.audio_encoder(mel[:, None]).flatten(1)
    x = torch.relu(self.conv1_bn(self.conv1(torch.cat([masked, sketches], 1))))
    x = torch.relu(self.conv2_bn(self.conv2(x)))
    x = F.pixel_shuffle(self.adain_1(self.spade_1(x, coarse), audio), 2)
    x = self.spade_4(self.adain_2(self.spade_2(x, fine), audio), image)
    return torch.sigmoid(self.conv_last(F.leaky_relu(x)))


class Renderer(nn.Module):
  """Pictures BGR in [0, 1]; sketches (B, 5, 3, H, W). -> (face, warped reference), (B, 3, H, W)."""

  def __init__(self, width: int = 32, wide: int = 256, hidden: int = 256, kernel: int = 7,
               audio_dim: int = 512, audio_width: float = 1.0):
    super().__init__()
    self.flow_module = FlowModule(width, wide, hidden, kernel)
    self.translation = Translation(width, wide, hidden, kernel, audio_dim, audio_width)

  def forward(self, masked: torch.Tensor, sketches: torch.Tensor, reference: torch.Tensor,
              ref_sketches: torch.Tensor, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    sketches = sketches.flatten(1, 2)
    warped = self.flow_module(reference, ref_sketches, sketches)
    return self.translation(masked, sketches, warped, mel), warped[2]
