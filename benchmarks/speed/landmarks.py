"""The face's own frame in PyTorch: counterpart of `cemnet_jax.nets.landmark_frame`."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from cemnet_jax import topology


class Similarity(NamedTuple):
  """frame = scale_rot * (point - centre), as complex numbers in pairs (..., 2)."""
  scale_rot: torch.Tensor
  centre: torch.Tensor


def _multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
  real = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
  return torch.stack([real, a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], -1)


def _conjugate(a: torch.Tensor) -> torch.Tensor:
  return torch.stack([a[..., 0], -a[..., 1]], -1)


class LandmarkFrame(nn.Module):
  """Aligns landmarks (..., L, 2) in the crop and standardises them by a dataset's statistics."""

  def __init__(self, statistics: Mapping[str, np.ndarray]):
    super().__init__()
    template = topology.STABLE_TEMPLATE - topology.STABLE_TEMPLATE.mean(0)
    for name, value in (('mean', statistics['mean']), ('std', statistics['std']),
                        ('template', template.astype(np.float32)), ('pose', topology.POSE),
                        ('content', topology.CONTENT), ('stable', topology.STABLE),
                        ('stable_in_pose', topology.STABLE_IN_POSE)):
      self.register_buffer(name, torch.tensor(np.asarray(value)), persistent=False)

  def references(self, points: torch.Tensor) -> torch.Tensor:
    """(..., N, 131, 2), each aligned by its own similarity."""
    aligned = self._align(points, self._fit(points[..., self.stable, :]))
    return (aligned - self.mean) / self.std

  def poses(self, pose: torch.Tensor) -> tuple[torch.Tensor, Similarity]:
    """(..., T, 74, 2) -> aligned, standardised, and the similarity of each frame."""
    similarity = self._fit(pose[..., self.stable_in_pose, :])
    return self._own(pose, similarity, self.pose), similarity

  def contents(self, content: torch.Tensor, similarity: Similarity) -> torch.Tensor:
    """(..., T, 57, 2) in the frames that `poses` gave."""
    return self._own(content, similarity, self.content)

  def in_crop(self, mouth: torch.Tensor, similarity: Similarity) -> torch.Tensor:
    """The inverse of `contents`."""
    points = mouth * self.std[self.content] + self.mean[self.content]
    size = similarity.scale_rot.square().sum(-1, keepdim=True).clamp(min=1e-12)
    inverse = _conjugate(similarity.scale_rot) / size
    return _multiply(inverse[..., None, :], points) + similarity.centre[..., None, :]

  def _own(self, points, similarity, index):
    return (self._align(points, similarity) - self.mean[index]) / self.std[index]

  def _fit(self, points: torch.Tensor) -> Similarity:
    centre = points.mean(-2)
    points = points - centre[..., None, :]
    spread = points.square().sum((-2, -1)).clamp(min=1e-12)
    return Similarity(_multiply(_conjugate(points), self.template).sum(-2) / spread[..., None],
                      centre)

  def _align(self, points: torch.Tensor, similarity: Similarity) -> torch.Tensor:
    return _multiply(similarity.scale_rot[..., None, :], points - similarity.centre[..., None, :])
