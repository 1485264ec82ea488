"""Stage `audio2mouth`: speech, references and pose -> emotion-agnostic mouth (Eq. 1-4)."""

import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.landmark_frame import denormalise_mouth, normalise_inputs
from cemnet_jax.stages import build
from cemnet_jax.stages.landmark_distance import FIRST_LIP, m_lmd
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def needs(cfg) -> tuple[str, ...]:
  """Frozen inputs: the statistics of landmarks, unless these stay as they are in the crop."""
  return tuple(cfg.needs) if cfg.model.stable_frame else ()


def make(cfg) -> Stage:
  """Batches of kind 'mouth'; frozen['statistics'] holds the landmark statistics, where they are
  standardised.

  The statistics are copied into the state so that the checkpoint is complete by itself.
  """
  net = build.audio2mouth(cfg.model)

  def known(frozen):
    return frozen['statistics'] if cfg.model.stable_frame else {}

  def inputs(batch, statistics):
    pose, ref, content, frame = normalise_inputs(
      batch['pose'], batch['ref_landmarks'], batch['content'], statistics)
    mel = batch['mel']
    if cfg.model.per_utterance:
      mel = pipeline.per_utterance(mel, batch['mel_statistics'])
    return (mel, pose, ref), content, frame

  def init(key, frozen, batch):
    args, _, _ = inputs(batch, known(frozen))
    params, stats = split({'a2m': net.init({'params': key}, *args, train=False)})
    return params, {**stats, 'landmarks': known(frozen)}

  def loss(params, stats, frozen, batch, key):
    args, content, _ = inputs(batch, stats['landmarks'])
    mouth, new = apply_train(net, params['a2m'], stats['a2m'], *args, key=key)
    l1 = losses.l1(mouth, content, mask=batch['mask'])
    smooth = losses.velocity(mouth, content, mask=batch['mask'])
    terms = {'l1': l1, 'velocity': smooth}
    return l1 + cfg.loss.velocity * smooth, ({**stats, 'a2m': new}, terms)

  def evaluate(params, stats, frozen, batch):
    args, content, frame = inputs(batch, stats['landmarks'])
    mouth = net.apply(variables({'params': params, 'stats': stats}, 'a2m'), *args, train=False)
    error = jnp.abs(mouth - content).mean(axis=(1, 2, 3))
    crop = denormalise_mouth(mouth, frame, stats['landmarks'])
    distance = m_lmd(crop[..., FIRST_LIP:, :], batch['content'][..., FIRST_LIP:, :])
    return {'l1': masked_sum(error, batch['mask']),
            'm_lmd': masked_sum(distance.mean(axis=1), batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
