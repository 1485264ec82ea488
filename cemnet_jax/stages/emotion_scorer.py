"""Stage `emotion_scorer`: the emotion of a picture, of the whole face or of its lower half (9.2).

Generated frames copy the upper face of the driving clip, which gives its emotion away: evaluation
also asks for the lower half alone, so half of the training pictures have their upper half blanked.
"""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets import jitter
from cemnet_jax.nets.augment import flip
from cemnet_jax.nets.deepface import blank_upper_half
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage

BLANK_PROBABILITY = 0.5


def augment(key, images, lips):
  """Mirrored, moved, otherwise lit and softened a little; every other one keeps its lower half."""
  mirror, place, light, soft, blank = jax.random.split(key, 5)
  images, _ = jitter.move(place, flip(mirror, images), lips)
  images = jitter.soften(soft, jitter.relight(light, images))
  chosen = jax.random.bernoulli(blank, BLANK_PROBABILITY, (images.shape[0], 1, 1, 1))
  return jnp.where(chosen, blank_upper_half(images), images)


def make(cfg) -> Stage:
  """Batches of kind 'face'."""
  net = build.emotion_scorer(cfg.model)

  def init(key, frozen, batch):
    return split({'emotion_scorer': net.init({'params': key}, to_float(batch['image']),
                                             train=False)})

  def loss(params, stats, frozen, batch, key):
    look, drop = jax.random.split(key)
    images = augment(look, to_float(batch['image']), batch['lips'])
    (_, logits), _ = apply_train(net, params['emotion_scorer'], {}, images, key=drop)
    total = losses.cross_entropy(logits, batch['emotion'], mask=batch['mask'])
    accuracy = (logits.argmax(-1) == batch['emotion']).mean()
    return total, (stats, {'accuracy': accuracy})

  def evaluate(params, stats, frozen, batch):
    """`accuracy` of whole faces, `accuracy_lower` where only the lower half shows."""
    tree, images = {'params': params, 'stats': stats}, to_float(batch['image'])

    def hits(images):
      _, logits = net.apply(variables(tree, 'emotion_scorer'), images, train=False)
      return masked_sum((logits.argmax(-1) == batch['emotion']).astype(jnp.float32), batch['mask'])

    whole, lower = hits(images), hits(blank_upper_half(images))
    return {'accuracy': whole, 'accuracy_lower': lower,
            'accuracy_both': whole.merge(lower)}

  return supervised(cfg, init, loss, evaluate)
