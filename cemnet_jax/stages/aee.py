"""Stage `aee`: cross-reconstruction of timbre, emotion and content from speech (Eq. 5-7)."""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.nets.audio_encoder import AudioDecoder, ClassHead
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, supervised, variables
from cemnet_jax.train.stage import Stage

# encoder -> the pretraining stage whose weights it starts from
STARTS_FROM = {'emotion': 'audio_emotion', 'timbre': 'timbre', 'content': 'content'}


def make(cfg) -> Stage:
  """Batches of kind 'aee': mfcc (B,2,2,2,28,12), natural (B,2,2,2,M,28,12) by [emotion j, timbre i,
  content k].

  Timbre and emotion are heard as they are used later: in speech as it was spoken, as the mean over
  windows of an utterance. Windows that are not the target's cannot hand its content on. Emotion is
  classified in all eight clips. A clip that does not exist, `mask` 0, counts nowhere.
  """
  encoder = build.audio_encoder(cfg.model)
  decoder = AudioDecoder(width=cfg.model.decoder_width)
  heads = {'emotion_head': ClassHead(cfg.model.emotions),
           'timbre_head': ClassHead(cfg.model.classes)}

  def init(key, frozen, batch):
    feature = jnp.zeros((1, cfg.model.dim))
    v = {'decoder': decoder.init({'params': key}, jnp.zeros((1, 3 * cfg.model.dim)), train=False)}
    for name, head in heads.items():
      v[name] = head.init({'params': jax.random.fold_in(key, len(name))}, feature)
    for name, stage in STARTS_FROM.items():
      v[name] = variables(frozen[stage], 'encoder')
    for name, stage in (('emotion_head', 'audio_emotion'), ('timbre_head', 'timbre')):
      v[name] = {'params': frozen[stage]['params']['head']}
    return split(v)

  def encode(params, stats, mfcc, natural, mask):
    """Timbre of the clips (e0,t0,c0) and (e1,t1,c1), emotion and content of all eight."""
    new = dict(stats)

    def heard(net, windows, exists):
      feature, new[net] = apply_train(encoder, params[net], stats[net], windows, mask=exists)
      return feature

    exists = jnp.broadcast_to(mask[..., None], natural.shape[:-2])
    emotion = heard('emotion', natural, exists).mean(-2)
    timbre = heard('timbre', inputs_of(natural), inputs_of(exists)).mean(-2)
    return timbre, emotion, heard('content', mfcc, mask), new

  def loss(params, stats, frozen, batch, key):
    mfcc, mask = batch['mfcc'], batch['mask']  # B j i k 28 12, B j i k
    timbre, emotion, content, new = encode(params, stats, mfcc, batch['natural'], mask)
    z = combine(timbre, inputs_of(emotion), inputs_of(content))
    output, new['decoder'] = apply_train(decoder, params['decoder'], stats['decoder'], z, mask=mask)
    terms = {
      'reconstruction': losses.cross_reconstruction(output, mfcc, mask),
      'timbre': _classify(heads['timbre_head'], params['timbre_head'], timbre, batch['speaker'],
                          inputs_of(mask)),
      'emotion': _classify(heads['emotion_head'], params['emotion_head'], emotion,
                           of_clips(batch['emotion']), mask),
      'triplet': losses.triplet(content, margin=cfg.loss.margin, mask=mask)}
    total = sum(cfg.loss[name] * value for name, value in terms.items())
    return total, ({**stats, **new}, terms)

  def evaluate(params, stats, frozen, batch):
    tree = {'params': params, 'stats': stats}
    feature = encoder.apply(variables(tree, 'emotion'), batch['natural'], train=False).mean(-2)
    logits = heads['emotion_head'].apply({'params': params['emotion_head']}, feature)
    hit = logits.argmax(-1) == of_clips(batch['emotion'])
    return {'emotion_accuracy': masked_sum(hit, batch['mask'])}

  return supervised(cfg, init, loss, evaluate, {'decoder': cfg.decoder_optimizer},
                    ema=cfg.ema)


def inputs_of(eight):
  """(B,2,2,2,...) -> (B,2,...): the two input clips."""
  return jnp.stack([eight[:, 0, 0, 0], eight[:, 1, 1, 1]], axis=1)


def of_clips(emotions):
  """(B,2) labels of the emotions -> (B,2,2,2) those of the eight clips."""
  return jnp.broadcast_to(emotions[:, :, None, None], (emotions.shape[0], 2, 2, 2))


def combine(timbre, emotion, content):
  """Embeddings of the two inputs (B,2,D) -> all eight mixtures (B,2,2,2,3D), [emotion j, timbre i,
  content k], concatenated in Eq. 5's order: timbre of clip i, emotion of j, content of k."""
  shape = (timbre.shape[0], 2, 2, 2, timbre.shape[-1])
  parts = (timbre[:, None, :, None], emotion[:, :, None, None], content[:, None, None, :])
  return jnp.concatenate([jnp.broadcast_to(p, shape) for p in parts], axis=-1)


def _classify(head, params, feature, labels, mask):
  return losses.cross_entropy(head.apply({'params': params}, feature), labels, mask)
