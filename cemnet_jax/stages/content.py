"""Stage `content`: pretrain the content encoder by CTC on transcripts (audio2text, spec 3.4)."""

import jax.numpy as jnp
from clu.metrics import Average

from cemnet_jax import losses
from cemnet_jax.nets.audio_encoder import TranscriptHead
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'speech'; the recurrent head is discarded after this stage."""
  encoder = build.audio_encoder(cfg.model)
  head = TranscriptHead(hidden=cfg.model.recurrent, vocab=cfg.model.vocab)

  def init(key, frozen, batch):
    v = encoder.init({'params': key}, batch['mfcc'], train=False)
    feature = jnp.zeros(batch['mfcc'].shape[:2] + (cfg.model.dim,))
    return split({'encoder': v, 'head': head.init({'params': key}, feature, batch['windows'])})

  def heard(batch):
    """(B, W): 1 for windows of speech, 0 for what fills the clip up and for masked examples."""
    within = jnp.arange(batch['mfcc'].shape[1]) < batch['windows'][:, None]
    return within * batch['mask'][:, None]

  def ctc(logits, batch, mask):
    return losses.ctc(logits, batch['windows'], batch['tokens'], batch['token_lengths'], mask=mask)

  def loss(params, stats, frozen, batch, key):
    feature, new = apply_train(encoder, params['encoder'], stats['encoder'], batch['mfcc'],
                               mask=heard(batch))
    logits = head.apply({'params': params['head']}, feature, batch['windows'])
    total = ctc(logits, batch, batch['mask'])
    return total, ({**stats, 'encoder': new}, {})

  def evaluate(params, stats, frozen, batch):
    tree = {'params': params, 'stats': stats}
    feature = encoder.apply(variables(tree, 'encoder'), batch['mfcc'], train=False)
    logits = head.apply({'params': params['head']}, feature, batch['windows'])
    mask = batch['mask']
    return {'ctc': Average(ctc(logits, batch, mask) * mask.sum(), mask.sum()),
            'blank': masked_sum(logits.argmax(-1) == 0, heard(batch))}

  return supervised(cfg, init, loss, evaluate)
