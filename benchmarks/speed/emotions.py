"""Counterparts of the stages that know emotion and identity: voices, pictures, the memory."""

import jax
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.speed import pictures
from benchmarks.speed import torch_losses as losses
from benchmarks.speed.counterpart import Batch, Counterpart, Part, supervised
from benchmarks.speed.landmarks import LandmarkFrame
from benchmarks.speed.talkers import heard, mouth_part, run_mouth
from benchmarks.torch_nets import audio_encoder, deepface, ebm, gray_resnet, image_emotion
from benchmarks.torch_nets import iresnet as iresnet_nets
from cemnet_jax.nets.augment import augment as augment_of_ours
from cemnet_jax.nets.augment import flip as flip_of_ours
from cemnet_jax.nets.deepface import BLANK, INPUT_SIZE
from cemnet_jax.nets.pipeline import to_float as to_float_of_ours
from cemnet_jax.stages import build
from cemnet_jax.stages.emotion_scorer import BLANK_PROBABILITY
from cemnet_jax.stages.emotion_scorer import augment as scorer_augment_of_ours
from cemnet_jax.weights import arcface_gray, insightface, own
from cemnet_jax.weights import deepface as deepface_weights
from cemnet_jax.weights.mapping import CONV, Entry, dense


def encoder_part(model) -> Part:
  """The audio encoder for a stage's `model` config."""
  return Part(audio_encoder.AudioEncoder(model.width, model.hidden, model.dim),
              own.audio_encoder(build.audio_encoder(model)))


def head_part(model, classes: int) -> Part:
  return Part(nn.Sequential(nn.Linear(model.dim, classes)), dense('0', ('linear',)))


def voice(cfg, frozen) -> Counterpart:
  encoder, head = encoder_part(cfg.model), head_part(cfg.model, cfg.model.classes)

  def loss(batch: Batch) -> torch.Tensor:
    return F.cross_entropy(head.module(encoder.module(batch['mfcc'])), batch[cfg.model.label])

  return supervised(cfg, {'encoder': encoder, 'head': head}, loss)


class Transcriber(nn.Module):
  """Bidirectional GRU and a linear layer: (B, W, dim) -> (B, W, vocab)."""

  def __init__(self, dim: int, hidden: int, vocab: int):
    super().__init__()
    self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
    for name, bias in self.gru.named_parameters():
      if name.startswith('bias_hh'):  # ours has one bias where PyTorch adds up two
        nn.init.zeros_(bias)
    self.linear = nn.Linear(2 * hidden, vocab)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return self.linear(self.gru(x)[0])


def transcriber_entries() -> list[Entry]:
  """But for the second biases of the GRU."""
  table = dense('linear', ('linear',))
  for cell, suffix in (('GRUCell_0', ''), ('GRUCell_1', '_reverse')):
    for i, gate in enumerate('rzn'):
      for kind, letter in (('ih', 'i'), ('hh', 'h')):
        table.append(Entry(f'gru.weight_{kind}_l0{suffix}', (
          'params', cell, letter + gate, 'kernel'), CONV, rows=(i, 3)))
      table.append(Entry(f'gru.bias_ih_l0{suffix}', (
        'params', cell, 'i' + gate, 'bias'), rows=(i, 3)))
  return table


def content(cfg, frozen) -> Counterpart:
  """All utterances of the batch fill its windows, so nothing is packed."""
  model, encoder = cfg.model, encoder_part(cfg.model)
  head = Part(Transcriber(model.dim, model.recurrent, model.vocab), transcriber_entries())

  def loss(batch: Batch) -> torch.Tensor:
    mfcc = batch['mfcc']
    logits = head.module(encoder.module(mfcc.flatten(0, 1)).unflatten(0, mfcc.shape[:2]))
    return losses.ctc(logits, batch['tokens'], batch['windows'], batch['token_lengths'])

  return supervised(cfg, {'encoder': encoder, 'head': head}, loss)


def aee(cfg, frozen) -> Counterpart:
  model = cfg.model
  parts = {name: encoder_part(model) for name in ('emotion', 'timbre', 'content')}
  parts |= {'emotion_head': head_part(model, model.emotions),
            'timbre_head': head_part(model, model.classes),
            'decoder': Part(audio_encoder.AudioDecoder(model.decoder_width, 3 * model.dim),
                            own.audio_decoder())}
  net = {name: part.module for name, part in parts.items()}

  def inputs_of(eight: torch.Tensor) -> torch.Tensor:
    return torch.stack([eight[:, 0, 0, 0], eight[:, 1, 1, 1]], 1)

  def encode(name: str, windows: torch.Tensor) -> torch.Tensor:
    return net[name](windows.flatten(0, -3)).view(*windows.shape[:-2], -1)

  def loss(batch: Batch) -> torch.Tensor:
    mfcc = batch['mfcc']
    emotion, words = encode('emotion', batch['natural']).mean(-2), encode('content', mfcc)
    timbre = encode('timbre', inputs_of(batch['natural'])).mean(-2)
    shape = (*emotion.shape[:4], -1)
    z = torch.cat([timbre[:, None, :, None].expand(shape),
                   inputs_of(emotion)[:, :, None, None].expand(shape),
                   inputs_of(words)[:, None, None].expand(shape)], -1)
    output = net['decoder'](z.flatten(0, 3)).view_as(mfcc)
    labels = batch['emotion'][:, :, None, None].expand(emotion.shape[:4])
    terms = {
      'reconstruction': losses.cross_reconstruction(output, mfcc),
      'timbre': F.cross_entropy(net['timbre_head'](timbre).flatten(0, 1),
                                batch['speaker'].flatten()),
      'emotion': F.cross_entropy(net['emotion_head'](emotion).flatten(0, 3), labels.flatten()),
      'triplet': losses.triplet(words, cfg.loss.margin)}
    return sum(cfg.loss[name] * value for name, value in terms.items())

  return supervised(cfg, parts, loss, {'decoder': cfg.decoder_optimizer},
                    ema={name: cfg.ema for name in parts})


def picture_part(model) -> Part:
  """ResNet-18 for a stage's `model` config."""
  return Part(image_emotion.ImageEmotion(width=model.width),
              own.image_emotion(build.image_emotion(model)))


def image_emotion_stage(cfg, frozen) -> Counterpart:
  part = picture_part(cfg.model)

  def augment(batch: Batch) -> Batch:
    images = pictures.augment(pictures.to_float(batch['image']), batch['lips'])
    return batch | {'image': images}

  def as_ours(key, batch):
    return batch | {'image': augment_of_ours(key, to_float_of_ours(batch['image']), batch['lips'])}

  def loss(batch: Batch) -> torch.Tensor:
    logits = part.module(pictures.standardised(batch['image']))[1]
    return F.cross_entropy(logits, batch['emotion'])

  return supervised(cfg, {'image_emotion': part}, loss, augment=augment, as_ours=as_ours)


def identity_part(model) -> Part:
  """IResNet or the gray ResNet for a stage's `model` config."""
  size = dict(stages=tuple(model.stages), width=model.width, dim=model.dim,
              input_size=model.input_size)
  net = build.identity(model)
  if model.get('net') == 'gray_resnet':
    return Part(gray_resnet.GrayResNet(**size), arcface_gray.entries(net))
  return Part(iresnet_nets.IResNet(**size), insightface.entries(net))


def embed(part: Part, model, images: torch.Tensor) -> torch.Tensor:
  """Embeddings, not normalised, of RGB pictures in [0, 1]."""
  images = pictures.gray(images) if model.get('net') == 'gray_resnet' else images
  return part.module(2 * pictures.resize(images, model.input_size) - 1)


class Centres(nn.Module):
  """Weights of the angular margin: (speakers, dim)."""

  def __init__(self, classes: int, dim: int):
    super().__init__()
    self.weight = nn.Parameter(torch.zeros(classes, dim))


def identity(cfg, frozen) -> Counterpart:
  part = identity_part(cfg.model)
  centres = Part(Centres(cfg.model.classes, cfg.model.dim), [Entry('weight', ('params',))])

  def augment(batch: Batch) -> Batch:
    return batch | {'image': pictures.flip(pictures.to_float(batch['image']))}

  def as_ours(key, batch):
    return batch | {'image': flip_of_ours(key, to_float_of_ours(batch['image']))}

  def loss(batch: Batch) -> torch.Tensor:
    return losses.arc_margin(embed(part, cfg.model, batch['image']), centres.module.weight,
                             batch['speaker'], cfg.loss.margin, cfg.loss.scale)

  return supervised(cfg, {'identity': part, 'centres': centres}, loss, augment=augment,
                    as_ours=as_ours)


def emotion_scorer(cfg, frozen) -> Counterpart:
  model = cfg.model
  part = Part(deepface.DeepFaceEmotion(model.classes, model.width, model.dropout),
              deepface_weights.entries(CONV))

  def augment(batch: Batch) -> Batch:
    images = pictures.move(pictures.flip(pictures.to_float(batch['image'])))
    images = pictures.soften(pictures.relight(images))
    blank = pictures.coin(images, BLANK_PROBABILITY) & ~pictures.lower_rows(images)
    return batch | {'image': torch.where(blank, BLANK, images)}

  def as_ours(key, batch):
    images = scorer_augment_of_ours(
      jax.random.split(key)[0], to_float_of_ours(batch['image']), batch['lips'])
    return batch | {'image': images}

  def loss(batch: Batch) -> torch.Tensor:
    images = pictures.resize(pictures.gray(batch['image']), INPUT_SIZE)
    return F.cross_entropy(part.module(images)[1], batch['emotion'])

  return supervised(cfg, {'emotion_scorer': part}, loss, augment=augment, as_ours=as_ours)


def memory_part(cfg) -> Part:
  """The memory for a stage's config, its inputs as wide as the frozen nets make them."""
  known = cfg.frozen
  model = ebm.EmotionBridgingMemory(
    cfg.model.slots, cfg.model.dim, cfg.model.hidden, cfg.model.scale,
    audio=known[cfg.model.emotion_stage].model.dim, image=8 * known.image_emotion.model.width,
    identity=known.identity.model.dim)
  return Part(model, own.memory())


def mean_of_references(features: torch.Tensor, shape: torch.Size) -> torch.Tensor:
  """Features of B x N pictures -> their mean (B, D)."""
  return features.view(*shape[:2], -1).mean(1)


def memory(cfg, frozen) -> Counterpart:
  """With its frozen nets in the step, as where no pool of features is made."""
  known, memory, weights = cfg.frozen, memory_part(cfg), cfg.loss
  frame = LandmarkFrame(frozen['audio2mouth']['stats']['landmarks'])
  mouth, voices = mouth_part(known.audio2mouth.model), encoder_part(known.aee.model)
  looker, identity = picture_part(known.image_emotion.model), identity_part(known.identity.model)

  @torch.no_grad()
  def features(batch: Batch) -> tuple[torch.Tensor, ...]:
    pose, similarity = frame.poses(batch['pose'])
    motion = run_mouth(mouth.module, heard(known.audio2mouth.model, batch), pose,
                       frame.references(batch['ref_landmarks']))
    target = frame.contents(batch['content'], similarity)
    mfcc, shape = batch['mfcc'], batch['ref_images'].shape
    audio = mean_of_references(voices.module(mfcc.flatten(0, 1)), mfcc.shape)
    images = pictures.to_float(batch['ref_images'].flatten(0, 1))
    emotion = mean_of_references(looker.module(pictures.standardised(images))[0], shape)
    faces = F.normalize(embed(identity, known.identity.model, images))
    faces = F.normalize(mean_of_references(faces, shape))
    return motion.flatten(2), target.flatten(2), audio, emotion, faces

  def loss(batch: Batch) -> torch.Tensor:
    motion, target, *cues, faces = features(batch)
    spread = cfg.model.identity_noise / faces.shape[-1] ** 0.5
    out = memory.module(motion, *cues, faces + spread * torch.randn_like(faces), target - motion)
    terms = {'mouth': losses.a2m(out['mouth'], target, weights.velocity),
             'teacher': losses.a2m(out['teacher'], target, weights.velocity),
             'reconstruction': losses.memory_reconstruction(out['f_delta'], out['recalled']),
             'alignment': losses.memory_alignment(out['alpha_k'], out['alpha_v'],
                                                  weights.direction)}
    return sum(weights[name] * value for name, value in terms.items())

  return supervised(cfg, {'memory': memory}, loss, ema={'memory': cfg.ema}, frozen={
    ('', 'frame'): Part(frame, []), ('audio2mouth', 'a2m'): mouth, ('aee', 'emotion'): voices,
    ('image_emotion', 'image_emotion'): looker, ('identity', 'identity'): identity})


STAGES = {'audio_emotion': voice, 'timbre': voice, 'content': content, 'aee': aee,
          'image_emotion': image_emotion_stage, 'identity': identity, 'ebm': memory,
          'emotion_scorer': emotion_scorer, 'identity_scorer': identity}
