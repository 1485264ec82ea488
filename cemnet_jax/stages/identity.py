"""Stages `identity` and `identity_scorer`: ArcFace embedding of the speaker (spec 5)."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax import losses
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, split, supervised, variables
from cemnet_jax.train.stage import Stage

BLOCK = 1024  # pictures compared at once with all others: some 25 MB where 6400 are evaluated


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
    """Verification on speakers never trained on: embeddings, which `nearest_is_same` compares."""
    tree = {'params': params, 'stats': stats}
    e = net.apply(variables(tree, 'identity'), to_float(batch['image']), train=False)
    return {'embedding': e, 'speaker': batch['speaker'], 'mask': batch['mask']}

  return supervised(cfg, init, loss, evaluate, score=nearest_is_same)


def nearest_is_same(rows: dict[str, np.ndarray]) -> dict[str, float]:
  """How often the nearest other picture of the whole evaluation shows the same person.

  Pictures whose person no other picture shows are only found by others: nothing could be right.

  Args:
    rows: `embedding` (N, D) of unit length, `speaker` (N,).

  Returns:
    {'nearest_is_same': share}, {} where no person has two pictures.
  """
  embedding, speaker = rows['embedding'], rows['speaker']
  _, who, count = np.unique(speaker, return_inverse=True, return_counts=True)
  hits = []
  for asked in np.array_split(np.flatnonzero(count[who] > 1), max(1, len(speaker) // BLOCK)):
    cosine = embedding[asked] @ embedding.T
    cosine[np.arange(len(asked)), asked] = -np.inf
    hits.append(speaker[cosine.argmax(1)] == speaker[asked])
  hits = np.concatenate(hits)
  return {'nearest_is_same': float(hits.mean())} if len(hits) else {}
