"""Counterparts of the stages that make faces talk: landmarks, pictures, lip sync."""

import torch
import torch.nn.functional as F

from benchmarks.speed import torch_losses as losses
from benchmarks.speed.counterpart import Batch, Counterpart, Part, Update, supervised
from benchmarks.speed.landmarks import LandmarkFrame
from benchmarks.speed.pictures import (
  flip,
  lower_rows,
  relight,
  resize,
  soften,
  standardised,
  to_float,
)
from benchmarks.torch_nets import audio2mouth as mouth_nets
from benchmarks.torch_nets import discriminator, image_emotion, syncnet, wav2lip
from benchmarks.torch_nets import renderer as renderer_nets
from benchmarks.torch_nets.talker_cases import discriminator_entries
from cemnet_jax.nets.discriminator import MultiScaleDiscriminator
from cemnet_jax.nets.pipeline import FAINT, NARROW
from cemnet_jax.nets.pipeline import to_float as to_float_of_ours
from cemnet_jax.stages import build
from cemnet_jax.stages.renderer import MOUTH_MARGIN
from cemnet_jax.stages.syncnet import augment as augment_of_ours
from cemnet_jax.weights import iplap, own
from cemnet_jax.weights import syncnet as syncnet_weights
from cemnet_jax.weights import wav2lip as wav2lip_weights


def mouth_part(model) -> Part:
  """IP-LAP's landmark generator for a stage's `model` config."""
  net = mouth_nets.Audio2Mouth(model.width, model.dim, model.heads, model.layers, model.ffn,
                               model.dropout)
  return Part(net, iplap.landmark_entries(build.audio2mouth(model)))


def per_utterance(mel: torch.Tensor, statistics: torch.Tensor) -> torch.Tensor:
  """Windows (B, T, 80, 16), mean and deviation (B, 2, 80) of their bands -> what the net hears."""
  mean, deviation = statistics[:, :, None, :, None].unbind(1)
  return (mel - mean.clamp(min=FAINT)) / deviation.clamp(min=NARROW)


def heard(model, batch: Batch) -> torch.Tensor:
  """The mel of a batch as a stage with this `model` config takes it."""
  if not model.per_utterance:
    return batch['mel']
  return per_utterance(batch['mel'], batch['mel_statistics'])


def run_mouth(net, mel: torch.Tensor, pose: torch.Tensor, ref: torch.Tensor) -> torch.Tensor:
  """Points (..., 2) in and out; IP-LAP has coordinates before points."""
  return net(mel, pose.transpose(-1, -2), ref.transpose(-1, -2)).transpose(-1, -2)


def audio2mouth(cfg, frozen) -> Counterpart:
  frame, part = LandmarkFrame(frozen['statistics']), mouth_part(cfg.model)

  def loss(batch: Batch) -> torch.Tensor:
    pose, similarity = frame.poses(batch['pose'])
    mouth = run_mouth(part.module, heard(cfg.model, batch), pose,
                      frame.references(batch['ref_landmarks']))
    return losses.a2m(mouth, frame.contents(batch['content'], similarity), cfg.loss.velocity)

  return supervised(cfg, {'a2m': part}, loss, frozen={('', 'frame'): Part(frame, [])})


def renderer_part(model) -> Part:
  """IP-LAP's renderer for a stage's `model` config."""
  net = renderer_nets.Renderer(model.width, model.wide, model.hidden, model.kernel, model.audio_dim,
                               model.audio_width)
  return Part(net, iplap.renderer_entries())


def three(sketches: torch.Tensor) -> torch.Tensor:
  """8-bit sketches (B, T, H, W) as IP-LAP's pictures of three equal channels."""
  return to_float(sketches)[:, :, None].expand(-1, -1, 3, -1, -1)


def renderer(cfg, frozen) -> Counterpart:
  part = renderer_part(cfg.model)
  critic = Part(discriminator.Discriminator(width=cfg.model.disc_width),
                discriminator_entries(MultiScaleDiscriminator(width=cfg.model.disc_width)))
  known = cfg.frozen.image_emotion.model
  looker = Part(image_emotion.ImageEmotion(width=known.width),
                own.image_emotion(build.image_emotion(known)))
  weights = cfg.loss

  def maps_of(images: torch.Tensor) -> list[torch.Tensor]:
    return [weights.pixel_weight * images, *looker.module(standardised(images))[2]]

  def generator_loss(batch: Batch) -> tuple[torch.Tensor, Batch]:
    target = to_float(batch['target'])
    image, warped = part.module(
      target * ~lower_rows(target), three(batch['sketches']), to_float(batch['reference']),
      three(batch['ref_sketches']), batch['mel'])
    image, warped, target = (x.flip(1) for x in (image, warped, target))  # to RGB
    fake, real = critic.module(image), critic.module(target)
    unseen = to_float(batch['unseen'])[:, None]
    seen = torch.lerp(warped, target, unseen)
    box = losses.box_around(batch['lips'], *target.shape[2:], MOUTH_MARGIN)
    total = (weights.warp * losses.perceptual(maps_of, seen, target)
             + weights.perceptual * losses.perceptual(maps_of, image, target)
             + weights.mouth * losses.masked_l1(image, target, box)
             + weights.unseen * losses.masked_l1(image, target, unseen)
             + weights.gan * losses.lsgan_generator(fake)
             + weights.feature_matching * losses.feature_matching(real, fake))
    return total, {'image': image.detach(), 'rgb': target}

  def critic_loss(batch: Batch) -> tuple[torch.Tensor, Batch]:
    real, fake = critic.module(batch['rgb']), critic.module(batch['image'])
    return losses.lsgan_discriminator(real, fake), {}

  return Counterpart(
    {'generator': part, 'discriminator': critic},
    [Update(generator_loss, {'generator': cfg.optimizer}),
     Update(critic_loss, {'discriminator': cfg.disc_optimizer})],
    {('image_emotion', 'image_emotion'): looker}, bgr=True, ema={'generator': cfg.ema})


def syncnet_stage(cfg, frozen) -> Counterpart:
  model = cfg.model
  part = Part(syncnet.SyncNet(model.width, model.dim, model.input_size), syncnet_weights.entries())

  def augment(batch: Batch) -> Batch:
    frames = to_float(batch['frames'])  # B K 5 3 H W
    images = soften(relight(flip(frames.flatten(0, 1).flatten(1, 2))))
    return batch | {'frames': images.view_as(frames)}

  def as_ours(key, batch):
    frames = to_float_of_ours(batch['frames'])
    images = augment_of_ours(key, frames.reshape(-1, *frames.shape[2:]))
    return batch | {'frames': images.reshape(frames.shape)}

  def loss(batch: Batch) -> torch.Tensor:
    frames = batch['frames'].flatten(0, 2)
    if model.mouth:
      h, w = frames.shape[-2:]
      frames = frames[..., h // 2:, w // 4:w // 4 + w // 2]
    frames = 255 * resize(frames, model.input_size).unflatten(0, (-1, 5)).transpose(1, 2)
    mfcc = batch['mfcc13'].flatten(0, 1)[:, None]
    shape = (*batch['moment'].shape, -1)
    return losses.matching(part.module.forward_lip(frames).view(shape),
                           part.module.forward_aud(mfcc).view(shape))

  return supervised(cfg, {'syncnet': part}, loss, augment=augment, as_ours=as_ours, bgr=True)


def lip_expert_part(model) -> Part:
  """Wav2Lip's expert for a stage's `model` config."""
  return Part(wav2lip.LipExpert(model.width, model.dim), wav2lip_weights.expert_entries())


def lower_halves(images: torch.Tensor) -> torch.Tensor:
  """Five pictures (B, 5, 3, H, W) -> (B, 15, H / 2, W): what the expert looks at."""
  return images[..., images.shape[-2] // 2:, :].flatten(1, 2)


def lip_expert(cfg, frozen) -> Counterpart:
  part = lip_expert_part(cfg.model)

  def loss(batch: Batch) -> torch.Tensor:
    faces = lower_halves(to_float(batch['frames'].flatten(0, 1)))
    face, speech = (x.view(*batch['mel'].shape[:2], -1)
                    for x in part.module(faces, batch['mel'].flatten(0, 1)))
    probability = (face[:, :, None] * speech[:, None]).sum(-1)
    own = torch.eye(face.shape[1], device=face.device).expand_as(probability)
    return losses.lip_sync(probability, own, own + (1 - own) / (face.shape[1] - 1))

  return supervised(cfg, {'expert': part}, loss, bgr=True)


def wav2lip_stage(cfg, frozen) -> Counterpart:
  part = Part(wav2lip.Wav2Lip(cfg.model.width), wav2lip_weights.generator_entries())
  expert = lip_expert_part(cfg.frozen.lip_expert.model)

  def loss(batch: Batch) -> torch.Tensor:
    target = to_float(batch['target'])
    pair = torch.cat([target * ~lower_rows(target), to_float(batch['reference'])], 2)
    images = part.module(pair.flatten(0, 1), batch['mel'].flatten(0, 1)).view_as(target)
    face, speech = expert.module(lower_halves(images), batch['mel'][:, target.shape[1] // 2])
    probability = (face * speech).sum(-1)
    ones = torch.ones_like(probability)
    return ((1 - cfg.loss.sync) * F.l1_loss(images, target)
            + cfg.loss.sync * losses.lip_sync(probability, ones, ones))

  return supervised(cfg, {'generator': part}, loss, frozen={('lip_expert', 'expert'): expert},
                    bgr=True)


STAGES = {'audio2mouth': audio2mouth, 'renderer': renderer, 'syncnet': syncnet_stage,
          'lip_expert': lip_expert, 'wav2lip': wav2lip_stage}
