"""The stages' losses in PyTorch, as `cemnet_jax.losses` defines them, for batches without gaps."""

import math

import torch
import torch.nn.functional as F

from cemnet_jax.losses.audio import EPS
from cemnet_jax.losses.images import FEATURE_MATCHING_INNER
from cemnet_jax.losses.lip_sync import EPS as SYNC_EPS
from cemnet_jax.losses.sync import OFFSET

Maps = list[torch.Tensor]


def velocity(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
  """Eq. 3 of points (B, T, ...)."""
  error = (prediction - target).diff(dim=1).flatten(2)
  return (error.square().sum(-1) + 1e-12).sqrt().mean()


def a2m(prediction: torch.Tensor, target: torch.Tensor, weight: float) -> torch.Tensor:
  """Eq. 4."""
  return F.l1_loss(prediction, target) + weight * velocity(prediction, target)


def perceptual(maps_of, predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
  """L1 between the maps of pictures at full and at half scale."""
  total = 0
  for scale in range(2):
    if scale:
      predicted, target = F.avg_pool2d(predicted, 2), F.avg_pool2d(target, 2)
    with torch.no_grad():
      wanted = maps_of(target)
    total = total + sum(F.l1_loss(p, t) for p, t in zip(maps_of(predicted), wanted, strict=True))
  return total


def box_around(points: torch.Tensor, height: int, width: int, margin: float) -> torch.Tensor:
  """1 at pixels in the box of points (B, P, 2) grown by `margin`, else 0: (B, 1, H, W)."""
  low, high = points.amin(1) - margin, points.amax(1) + margin

  def inside(axis: int, size: int) -> torch.Tensor:
    at = (torch.arange(size, device=points.device) + 0.5) / size
    return (at >= low[:, axis, None]) & (at <= high[:, axis, None])

  return (inside(1, height)[:, :, None] & inside(0, width)[:, None])[:, None].to(points.dtype)


def masked_l1(predicted: torch.Tensor, target: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
  """Mean absolute difference within the region (B, 1, H, W) of each picture, over pictures."""
  error = (predicted - target).abs().mean(1, keepdim=True)
  return ((error * region).mean((1, 2, 3)) / region.mean((1, 2, 3)).clamp_min(1e-8)).mean()


def lsgan_generator(fake: list[Maps]) -> torch.Tensor:
  """Scores of every scale to 1."""
  return sum((maps[-1] - 1).square().mean() for maps in fake)


def lsgan_discriminator(real: list[Maps], fake: list[Maps]) -> torch.Tensor:
  """Half of fake scores to 0 and real scores to 1."""
  return sum(0.5 * (f[-1].square().mean() + (r[-1] - 1).square().mean())
             for r, f in zip(real, fake, strict=True))


def feature_matching(real: list[Maps], fake: list[Maps]) -> torch.Tensor:
  """L1 between the discriminator's maps but the scores."""
  total = sum(F.l1_loss(f, r.detach()) * 4 / (len(reals) - 1)
              for reals, fakes in zip(real, fake, strict=True)
              for r, f in zip(reals[:-1], fakes[:-1], strict=True))
  return FEATURE_MATCHING_INNER * total / len(real)


def arc_margin(embeddings: torch.Tensor, centres: torch.Tensor, labels: torch.Tensor,
               margin: float, scale: float) -> torch.Tensor:
  """ArcFace: embeddings (B, D), centres (S, D)."""
  cosine = F.normalize(embeddings) @ F.normalize(centres).T
  sine = (1 - cosine.square()).clamp(min=1e-9).sqrt()
  widened = cosine * math.cos(margin) - sine * math.sin(margin)
  widened = torch.where(cosine > math.cos(math.pi - margin), widened,
                        cosine - math.sin(margin) * margin)
  own = F.one_hot(labels, len(centres)).bool()
  return F.cross_entropy(scale * torch.where(own, widened, cosine), labels)


def cross_reconstruction(decoded: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
  """Eq. 5 of (B, 2, 2, 2, 28, 12)."""
  rms = ((decoded - clips).square().mean((-2, -1)) + EPS).sqrt()
  return rms.sum((1, 2, 3)).mean()


def triplet(content: torch.Tensor, margin: float) -> torch.Tensor:
  """Eq. 6 of (B, 2, 2, 2, D)."""
  inputs = torch.stack([content[:, k, k, k] for k in range(2)], 1)

  def distance(other: torch.Tensor) -> torch.Tensor:
    return ((content - other[:, None, None]).square().sum(-1) + EPS).sqrt()

  hinge = (distance(inputs) - distance(inputs.flip(1)) + margin).clamp(min=0)
  return hinge.sum((1, 2, 3)).mean()


def memory_reconstruction(f_delta: torch.Tensor, recalled: torch.Tensor) -> torch.Tensor:
  """Eq. 10."""
  return F.mse_loss(recalled, f_delta.detach())


def memory_alignment(alpha_k: torch.Tensor, alpha_v: torch.Tensor, direction: str
                     ) -> torch.Tensor:
  """Eq. 12."""
  pair = {'key': alpha_k, 'value': alpha_v.detach()}
  p, q = (pair[name].clamp(min=1e-30) for name in direction.split('_to_'))
  return (p * (p.log() - q.log())).sum(-1).mean()


def matching(lips: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
  """Multi-way matching of embeddings (B, K, D)."""
  distances = (lips[:, :, None] - audio[:, None] + OFFSET).square().sum(-1).sqrt()
  b, k, _ = distances.shape
  right = torch.arange(k, device=lips.device).repeat(b)
  return (F.cross_entropy(-distances.flatten(0, 1), right)
          + F.cross_entropy(-distances.transpose(1, 2).flatten(0, 1), right)) / 2


def lip_sync(probability: torch.Tensor, in_sync: torch.Tensor, weight: torch.Tensor
             ) -> torch.Tensor:
  """Weighted mean of the binary cross-entropy."""
  p = probability.clamp(SYNC_EPS, 1 - SYNC_EPS)
  entropy = -in_sync * p.log() - (1 - in_sync) * (1 - p).log()
  return (entropy * weight).sum() / weight.sum()


def ctc(logits: torch.Tensor, tokens: torch.Tensor, lengths: torch.Tensor,
        token_lengths: torch.Tensor) -> torch.Tensor:
  """Per token: logits (B, W, V), blank 0."""
  return F.ctc_loss(logits.log_softmax(-1).transpose(0, 1), tokens, lengths, token_lengths,
                    zero_infinity=True)
