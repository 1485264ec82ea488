"""Stage `landmark_scorer`: all landmarks of a picture, for landmark distances in the pictures.

Methods that draw faces without landmarks are measured by the same detector as all others, and it
never saw their training. Blur and noise keep it precise on generated pictures.
"""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets import jitter
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.landmark_distance import FACE_256, m_lmd
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.topology import LIPS
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'face' with all landmarks."""
  net = build.landmark_scorer(cfg.model)

  def init(key, frozen, batch):
    return split({'landmark_scorer': net.init({'params': key}, to_float(batch['image']),
                                              train=False)})

  def loss(params, stats, frozen, batch, key):
    place, light, soft = jax.random.split(key, 3)
    images, points = jitter.move(place, to_float(batch['image']), batch['landmarks'])
    images = jitter.soften(soft, jitter.relight(light, images))
    found, new = apply_train(net, params['landmark_scorer'], stats['landmark_scorer'], images)
    error = {'all': losses.l1(found, points, batch['mask']),
             'lips': losses.l1(found[:, LIPS], points[:, LIPS], batch['mask'])}
    return cfg.loss.scale * sum(error.values()), ({'landmark_scorer': new}, error)

  def evaluate(params, stats, frozen, batch):
    """Mean distances in px: `m_lmd` of the lips, each set about its mean; `f_lmd` of all."""
    tree, truth = {'params': params, 'stats': stats}, batch['landmarks']
    found = net.apply(variables(tree, 'landmark_scorer'), to_float(batch['image']), train=False)
    whole = FACE_256 * jnp.linalg.norm(found - truth, axis=-1).mean(-1)
    return {'m_lmd': masked_sum(m_lmd(found[:, LIPS], truth[:, LIPS]), batch['mask']),
            'f_lmd': masked_sum(whole, batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
