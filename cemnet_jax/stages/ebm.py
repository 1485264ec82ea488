"""Stage `ebm`: Emotion Bridging Memory over the frozen audio, mouth and image nets (Eq. 8-13)."""

import jax
import jax.numpy as jnp

from cemnet_jax import losses, topology
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.landmark_frame import denormalise_mouth, fit, normalise_inputs
from cemnet_jax.stages import build
from cemnet_jax.stages.landmark_distance import FIRST_LIP, m_lmd
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def features(cfg):
  """What the memory sees and the frozen nets make: (frozen, batch) -> dict of arrays.

  motion, target (B,T,57,2) standardised; audio_emotion (B,D), image_emotion (B,F), identity
  (B,G); pose (B,T,74,2), content (B,T,57,2), emotion and mask pass through. It depends on no
  trained weight, so it may be computed once and pooled (`train/pool.py`).
  """
  hearing = cfg.frozen.audio2mouth.model
  a2m = build.audio2mouth(hearing)
  emotion_stage = cfg.model.emotion_stage
  emotion, emotion_net = build.heard_emotion(emotion_stage, cfg.frozen[emotion_stage].model)
  picture = build.image_emotion(cfg.frozen.image_emotion.model)
  identity = build.identity(cfg.frozen.identity.model)

  def compute(frozen, batch):
    statistics = frozen['audio2mouth']['stats']['landmarks']
    mel = batch['mel']
    if hearing.get('per_utterance', False):  # imported weights know no such field
      mel = pipeline.per_utterance(mel, batch['mel_statistics'])
    motion, _ = pipeline.agnostic_mouth(
      a2m, variables(frozen['audio2mouth'], 'a2m'), statistics, mel, batch['pose'],
      batch['ref_landmarks'])
    _, _, target, _ = normalise_inputs(
      batch['pose'], batch['ref_landmarks'], batch['content'], statistics)
    return {
      'motion': motion, 'target': target,
      'audio_emotion': pipeline.utterance_emotion(
        emotion, variables(frozen[emotion_stage], emotion_net), batch['mfcc']),
      'image_emotion': pipeline.reference_emotion(
        picture, variables(frozen['image_emotion'], 'image_emotion'), batch['ref_images']),
      'identity': pipeline.reference_identity(
        identity, variables(frozen['identity'], 'identity'), batch['ref_images']),
      'pose': batch['pose'], 'content': batch['content'], 'emotion': batch['emotion'],
      'mask': batch['mask']}

  return compute


def make(cfg) -> Stage:
  """Batches of kind 'cross', or what `features` made of them."""
  net = build.memory(cfg.model)
  weights = cfg.loss
  precompute = features(cfg)

  def prepared(frozen, batch):
    return batch if 'motion' in batch else precompute(frozen, batch)

  def arguments(b):
    displacement = flatten(b['target'] - b['motion'])
    return (flatten(b['motion']), b['audio_emotion'], b['image_emotion'], b['identity'],
            displacement)

  def init(key, frozen, batch):
    b = prepared(frozen, batch)
    params, stats = split({'memory': net.init({'params': key}, *arguments(b), train=False)})
    classes, dim = cfg.model.emotions, b['audio_emotion'].shape[-1]
    prototypes = {'sum': jnp.zeros((classes, dim)), 'count': jnp.zeros((classes,))}
    return params, {**stats, 'prototypes': prototypes}

  def loss(params, stats, frozen, batch, key):
    b = prepared(frozen, batch)
    b = b | {'identity': blurred(b['identity'], cfg.model.identity_noise, key)}
    out, new = apply_train(net, params['memory'], stats['memory'], *arguments(b), key=key)
    target, mask = flatten(b['target']), b['mask']
    terms = {'mouth': losses.a2m_loss(out['mouth'], target, mask, weights.velocity)}
    if cfg.model.use_memory:
      terms |= {
        'teacher': losses.a2m_loss(out['teacher'], target, mask, weights.velocity),
        'reconstruction': losses.memory_reconstruction(out['f_delta'], out['recalled'], mask=mask),
        'alignment': losses.memory_alignment(
          out['alpha_k'], out['alpha_v'], mask=mask, direction=weights.direction)}
    total = sum(weights[name] * value for name, value in terms.items())
    if cfg.model.use_memory:
      terms['slot_entropy'] = out['slot_entropy']
    stats = {**stats, 'memory': new,
             'prototypes': _collect(stats['prototypes'], b['audio_emotion'], b['emotion'], mask)}
    return total, (stats, terms)

  def evaluate(params, stats, frozen, batch):
    b = prepared(frozen, batch)
    statistics = frozen['audio2mouth']['stats']['landmarks']
    mouth = pipeline.bridge(net, variables({'params': params, 'stats': stats}, 'memory'),
                            b['motion'], b['audio_emotion'], b['image_emotion'], b['identity'])
    frame = fit(b['pose'][..., topology.STABLE_IN_POSE, :])

    def distance(motion):
      crop = denormalise_mouth(motion, frame, statistics)
      found = m_lmd(crop[..., FIRST_LIP:, :], b['content'][..., FIRST_LIP:, :])
      return masked_sum(found.mean(axis=1), b['mask'])

    return {'m_lmd': distance(mouth), 'm_lmd_agnostic': distance(b['motion'])}

  return supervised(cfg, init, loss, evaluate, ema=cfg.ema)


def blurred(identity, noise, key):
  """Unit embeddings (B,G) plus a random vector of about the length `noise`: a few dozen speakers
  are so few points that the memory would learn each by heart, and unseen ones are others."""
  spread = noise / identity.shape[-1] ** 0.5
  return identity + spread * jax.random.normal(key, identity.shape, identity.dtype)


def flatten(points):
  """Points (B,T,L,2) -> motion vectors (B,T,2L)."""
  return points.reshape(points.shape[:2] + (-1,))


def _collect(prototypes, embedding, emotion, mask):
  """Running sums per emotion of the audio embedding, for `--emotion LABEL` at inference."""
  hot = (emotion[:, None] == jnp.arange(prototypes['count'].shape[0])) * mask[:, None]
  return {'sum': prototypes['sum'] + hot.T @ embedding,
          'count': prototypes['count'] + hot.sum(axis=0)}
