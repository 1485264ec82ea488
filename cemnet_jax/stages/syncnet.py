"""Stage `syncnet`: the scorer of lip sync learns which audio belongs to which lips (spec 9.1).

SyncNet was published with a contrastive loss on pairs; choosing among several moments of one clip
(Chung et al. 2019) learns faster from little data. The public net sees crops around S3FD's
detections at 224 pixels; this one sees the dataset's stable crop, or the mouth in it.
"""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets import jitter
from cemnet_jax.nets.augment import flip
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def augment(key, frames):
  """(B, 5, H, W, 3) mirrored, otherwise lit and softened, the five frames of a moment alike."""
  mirror, light, soft = jax.random.split(key, 3)
  b, t, h, w, c = frames.shape
  images = frames.transpose(0, 2, 3, 1, 4).reshape(b, h, w, t * c)
  images = jitter.soften(soft, jitter.relight(light, flip(mirror, images)))
  return images.reshape(b, h, w, t, c).transpose(0, 3, 1, 2, 4)


def make(cfg) -> Stage:
  """Batches of kind 'sync': K moments (five frames and their audio) of every clip."""
  net = build.syncnet(cfg.model)

  def inputs(batch):
    frames, mfcc = to_float(batch['frames']), batch['mfcc13']
    return frames.reshape(-1, *frames.shape[2:]), mfcc.reshape(-1, *mfcc.shape[2:])

  def distances(lips, audio, batch):
    shape = (*batch['moment'].shape, -1)
    return losses.pair_distances(lips.reshape(shape), audio.reshape(shape))

  def init(key, frozen, batch):
    return split({'syncnet': net.init({'params': key}, *inputs(batch), train=False)})

  def loss(params, stats, frozen, batch, key):
    frames, mfcc = inputs(batch)
    (lips, audio), new = apply_train(net, params['syncnet'], stats['syncnet'],
                                     augment(key, frames), mfcc)
    d = distances(lips, audio, batch)
    return losses.matching(d, batch['mask']), ({'syncnet': new}, {'accuracy': found(d).mean()})

  def found(d):
    """(B, K, K) -> (B,): share of the lip windows whose own audio is the nearest."""
    return (d.argmin(-1) == jnp.arange(d.shape[-1])).mean(-1)

  def evaluate(params, stats, frozen, batch):
    """`accuracy` among K moments; `auc`: how often other audio is farther than a window's own."""
    tree = {'params': params, 'stats': stats}
    d = distances(*net.apply(variables(tree, 'syncnet'), *inputs(batch), train=False), batch)
    k = d.shape[-1]
    own = jnp.diagonal(d, axis1=1, axis2=2)[:, :, None]
    auc = (d > own).sum((1, 2)) / (k * (k - 1))
    contrast = jnp.median(d, axis=-1) - own[..., 0]
    return {'accuracy': masked_sum(found(d), batch['mask']), 'auc': masked_sum(auc, batch['mask']),
            'contrast': masked_sum(contrast.mean(-1), batch['mask'])}

  return supervised(cfg, init, loss, evaluate)
