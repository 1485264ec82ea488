"""The Emotion Bridging Memory of spec 6.4 in PyTorch; no public file has its tensors."""

import torch
from torch import nn


def mlp(*sizes: int) -> nn.Sequential:
  """Linear, (LayerNorm, ReLU, Linear)*."""
  layers = [nn.Linear(*sizes[:2])]
  for a, b in zip(sizes[1:-1], sizes[2:]):
    layers += [nn.LayerNorm(a), nn.ReLU(), nn.Linear(a, b)]
  return nn.Sequential(*layers)


class EmotionBridgingMemory(nn.Module):
  """Key and value memories of `slots` x `dim`, the lip-displacement encoder, the decoder."""

  def __init__(self, slots: int = 96, dim: int = 512, hidden: int = 256, scale: float = 16.0,
               points: int = 114, audio: int = 128, image: int = 512, identity: int = 512):
    super().__init__()
    part = dim // 4
    self.scale = scale
    self.cues = nn.ModuleDict({name: nn.Linear(size, part) for name, size in (
      ('audio', audio), ('image', image), ('identity', identity))})
    self.motion = mlp(points, hidden, part)
    self.query_norm, self.query = nn.LayerNorm(dim), mlp(dim, dim, dim)
    self.displacement = mlp(points, hidden, dim)
    self.query_centre, self.displacement_centre = (
      nn.BatchNorm1d(dim, affine=False) for _ in range(2))
    self.key, self.value = (nn.Parameter(0.5 * torch.randn(slots, dim)) for _ in range(2))
    self.read_norm = nn.LayerNorm(dim)
    self.decoder = nn.Sequential(
      nn.Linear(dim + points, dim), nn.LayerNorm(dim), nn.ReLU(),
      nn.Linear(dim, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, points))

  def forward(self, motion: torch.Tensor, audio: torch.Tensor, image: torch.Tensor,
              identity: torch.Tensor, displacement: torch.Tensor) -> dict[str, torch.Tensor]:
    """motion, displacement (B, T, points), features (B, .) -> the dictionary of our memory."""
    alpha_k = self.address(motion, audio, image, identity)
    f_delta = _over_frames(self.displacement_centre, self.displacement(displacement))
    alpha_v = self._address(f_delta, self.value)
    recalled = alpha_v @ self.value
    usage = alpha_k.flatten(0, 1).mean(0)
    return {
      'mouth': self._decode(alpha_k @ self.value, motion), 'alpha_k': alpha_k,
      'slot_entropy': -torch.special.xlogy(usage, usage).sum(),
      'teacher': self._decode(recalled, motion), 'f_delta': f_delta, 'recalled': recalled,
      'alpha_v': alpha_v}

  def read(self, motion: torch.Tensor, audio: torch.Tensor, image: torch.Tensor,
           identity: torch.Tensor) -> torch.Tensor:
    """The mouth alone, all that inference asks for."""
    alpha_k = self.address(motion, audio, image, identity)
    return self._decode(alpha_k @ self.value, motion)

  def address(self, motion: torch.Tensor, audio: torch.Tensor, image: torch.Tensor,
              identity: torch.Tensor) -> torch.Tensor:
    """How much of each slot is read, (B, T, slots)."""
    cues = torch.cat([self.cues['audio'](audio), self.cues['image'](image),
                      self.cues['identity'](identity)], -1)
    cues = cues[:, None].expand(-1, motion.shape[1], -1)
    feature = self.query(self.query_norm(torch.cat([cues, self.motion(motion)], -1)))
    return self._address(_over_frames(self.query_centre, feature), self.key)

  def _address(self, query, slots):
    unit = nn.functional.normalize
    return torch.softmax(self.scale * unit(query, dim=-1) @ unit(slots, dim=-1).T, -1)

  def _decode(self, read, motion):
    return motion + self.decoder(torch.cat([self.read_norm(read), motion], -1))


def _over_frames(norm, x):
  return norm(x.flatten(0, 1)).view_as(x)
