"""Stages `identity` and `identity_scorer`: ArcFace embedding of the speaker (spec 5)."""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'face' with `speaker`; class centres are the weights of the angular margin."""
  net = build.identity(cfg.model)
  model = cfg.model

  def init(key, frozen, batch):
    params, stats = split({'identity': net.init({'params': key}, to_float(batch['image']),
                                                train=False)})
    centres = jax.nn.initializers.normal(0.01)(key, (model.classes, model.dim))
    return {**params, 'centres': centres}, stats

  def loss(params, stats, frozen, batch, key):
    flip = jax.random.bernoulli(key, 0.5, (batch['image'].shape[0], 1, 1, 1))
    images = to_float(batch['image'])
    images = jnp.where(flip, images[:, :, ::-1], images)
    embedding, new = apply_train(net, params['identity'], stats['identity'], images, key=key)
    total = losses.arc_margin(embedding, params['centres'], batch['speaker'],
                              scale=cfg.loss.scale, margin=cfg.loss.margin, mask=batch['mask'])
    return total, ({'identity': new}, {})

  def evaluate(params, stats, frozen, batch):
    """Verification on speakers never trained on: is the nearest other picture the same person?"""
    tree = {'params': params, 'stats': stats}
    e = net.apply(variables(tree, 'identity'), to_float(batch['image']), train=False)
    valid = batch['mask'][None, :] * (1 - jnp.eye(e.shape[0]))
    near = jnp.argmax(jnp.where(valid > 0, e @ e.T, -2.0), axis=1)
    hit = (batch['speaker'][near] == batch['speaker']).astype(jnp.float32)
    return {'nearest_is_same': masked_sum(hit, batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
