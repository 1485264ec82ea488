"""Stage `lip_expert`: do five lower faces and a mel window belong together? (Wav2Lip; spec 9.1)."""

import jax.numpy as jnp
from clu.metrics import Average

from cemnet_jax import losses
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, split, supervised, variables
from cemnet_jax.train.stage import Stage


def lower_half(images):
  """Rows H/2 and below of pictures (..., H, W, 3): what the expert looks at."""
  return images[..., images.shape[-3] // 2:, :, :]


def make(cfg) -> Stage:
  """Batches of kind 'lip_sync': K moments of each clip.

  Wav2Lip's pairs, faces with their own speech or with that of another moment of the clip, but all
  of them: every moment meets its own speech and that of the K - 1 others. Pairs in and out of
  sync weigh the same in sum.
  """
  net = build.lip_expert(cfg.model)

  def inputs(batch):
    flat = lambda x: x.reshape(-1, *x.shape[2:])  # B K ... -> B*K ...
    return lower_half(to_float(flat(batch['frames']))), flat(batch['mel'])

  def judge(pair, batch):
    """P_sync (B, K, K) of faces (rows) with speech, the truth, and the weight of each pair."""
    face, speech = (x.reshape(*batch['mel'].shape[:2], -1) for x in pair)
    own = jnp.eye(face.shape[1])
    weight = own + (1 - own) / (face.shape[1] - 1)
    probability = losses.sync_probability(face[:, :, None], speech[:, None])
    return (probability, jnp.broadcast_to(own, probability.shape),
            weight * batch['mask'][:, None, None])

  def accuracy(probability, own, weight):
    right = ((probability > 0.5) == (own > 0.5)).astype(jnp.float32)
    return losses.masked_mean(right, weight)

  def init(key, frozen, batch):
    return split({'expert': net.init({'params': key}, *inputs(batch), train=False)})

  def loss(params, stats, frozen, batch, key):
    pair, new = apply_train(net, params['expert'], stats['expert'], *inputs(batch))
    judged = judge(pair, batch)
    return losses.lip_sync(*judged), ({'expert': new}, {'accuracy': accuracy(*judged)})

  def evaluate(params, stats, frozen, batch):
    tree = {'params': params, 'stats': stats}
    judged = judge(net.apply(variables(tree, 'expert'), *inputs(batch), train=False), batch)
    count = batch['mask'].sum()
    return {'entropy': Average(losses.lip_sync(*judged) * count, count),
            'accuracy': Average(accuracy(*judged) * count, count)}

  return supervised(cfg, init, loss, evaluate)
