"""Stages `audio_emotion` and `timbre`: an audio encoder learns to classify a label (spec 3.4)."""

import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets.audio_encoder import ClassHead
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'voice'; `cfg.model.label` names the label, `cfg.model.classes` its size."""
  encoder = build.audio_encoder(cfg.model)
  label = cfg.model.label
  head = ClassHead(cfg.model.classes)

  def init(key, frozen, batch):
    v = encoder.init({'params': key}, batch['mfcc'], train=False)
    feature = jnp.zeros((1, cfg.model.dim))
    return split({'encoder': v, 'head': head.init({'params': key}, feature)})

  def loss(params, stats, frozen, batch, key):
    feature, new = apply_train(encoder, params['encoder'], stats['encoder'], batch['mfcc'])
    logits = head.apply({'params': params['head']}, feature)
    total = losses.cross_entropy(logits, batch[label], mask=batch['mask'])
    accuracy = (logits.argmax(-1) == batch[label]).mean()
    return total, ({**stats, 'encoder': new}, {'accuracy': accuracy})

  def evaluate(params, stats, frozen, batch):
    tree = {'params': params, 'stats': stats}
    feature = encoder.apply(variables(tree, 'encoder'), batch['mfcc'], train=False)
    logits = head.apply({'params': params['head']}, feature)
    hit = (logits.argmax(-1) == batch[label]).astype(jnp.float32)
    return {'accuracy': masked_sum(hit, batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
