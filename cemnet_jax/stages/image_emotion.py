"""Stage `image_emotion`: emotion of a reference picture under EAMM's augmentations (spec 4.4)."""

import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets.augment import augment
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'face'; the mouth mask of the augmentation is placed from the lips."""
  net = build.image_emotion(cfg.model)

  def init(key, frozen, batch):
    return split({'image_emotion': net.init({'params': key}, to_float(batch['image']),
                                            train=False)})

  def loss(params, stats, frozen, batch, key):
    images = augment(key, to_float(batch['image']), batch['lips'])
    (_, logits), new = apply_train(net, params['image_emotion'], stats['image_emotion'], images)
    total = losses.cross_entropy(logits, batch['emotion'], mask=batch['mask'])
    accuracy = (logits.argmax(-1) == batch['emotion']).mean()
    return total, ({'image_emotion': new}, {'accuracy': accuracy})

  def evaluate(params, stats, frozen, batch):
    tree = {'params': params, 'stats': stats}
    _, logits = net.apply(variables(tree, 'image_emotion'), to_float(batch['image']), train=False)
    hit = (logits.argmax(-1) == batch['emotion']).astype(jnp.float32)
    return {'accuracy': masked_sum(hit, batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
