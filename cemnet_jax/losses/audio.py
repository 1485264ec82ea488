"""Losses of Audio Emotion Enhancement: cross reconstruction (Eq. 5), triplet (Eq. 6), CTC.

The eight clips of a row are laid out [emotion, timbre, content]; the two input clips are
[0, 0, 0] and [1, 1, 1].
"""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cemnet_jax.losses.reduce import masked_mean

EPS = 1e-8  # inside square roots, so that their gradient is finite at zero


def _sum_of_terms(terms, mask):
  """Sum over the eight terms (B, 2, 2, 2), mean over the examples that have any."""
  if mask is None:
    return terms.sum((1, 2, 3)).mean()
  return masked_mean((terms * mask).sum((1, 2, 3)), mask.max((1, 2, 3)))


def cross_reconstruction(decoded: Float[Array, 'B 2 2 2 A C'], clips: Float[Array, 'B 2 2 2 A C'],
                         mask: Float[Array, 'B 2 2 2'] | None = None) -> Float[Array, '']:
  """Eq. 5: sum over the 8 mixtures of the RMS difference to the clip that holds that mixture.

  decoded and clips (B, 2, 2, 2, 28, 12) as `nets.audio_encoder.combine` lays them out; mask is 0
  where a clip does not exist. RMS is the paper's 2-norm divided by sqrt(28 * 12).
  """
  rms = jnp.sqrt(jnp.square(decoded - clips).mean((-2, -1)) + EPS)
  return _sum_of_terms(rms, mask)


def triplet(content: Float[Array, 'B 2 2 2 D'], mask: Float[Array, 'B 2 2 2'] | None = None,
            margin: float = 1.0) -> Float[Array, '']:
  """Eq. 6 with the anchor that Eq. 5 reconstructs: a clip's content embedding is nearer to the
  input clip of its own content than to the other one, by `margin`; summed over the 8 clips.

  content (B, 2, 2, 2, D) holds the content encoder's output for all eight clips.
  """
  inputs = jnp.stack([content[:, k, k, k] for k in range(2)], 1)  # B 2 D, by content

  def distance(other):  # B 2 D -> B 2 2 2
    return jnp.sqrt(jnp.square(content - other[:, None, None]).sum(-1) + EPS)

  hinge = jnp.maximum(distance(inputs) - distance(inputs[:, ::-1]) + margin, 0.0)
  if mask is not None:
    mask = mask * (mask[:, 0, 0, 0] * mask[:, 1, 1, 1])[:, None, None, None]
  return _sum_of_terms(hinge, mask)


def ctc(logits: Float[Array, 'B W V'], lengths: Int[Array, ' B'], tokens: Int[Array, 'B S'],
        token_lengths: Int[Array, ' B'], mask: Float[Array, ' B'] | None = None,
        ) -> Float[Array, '']:
  """Mean over examples of CTC per token, blank 0; transcripts longer than their audio left out.

  logits (B, W, V) with `lengths` (B,) valid windows, tokens (B, S) with `token_lengths` (B,).
  """
  window = jnp.arange(logits.shape[1])[None] >= lengths[:, None]
  token = jnp.arange(tokens.shape[1])[None] >= token_lengths[:, None]
  loss = optax.ctc_loss(
    logits, window.astype(logits.dtype), tokens, token.astype(logits.dtype), blank_id=0)
  # A transcript needs a window per token and one more between equal neighbours.
  repeats = ((tokens[:, 1:] == tokens[:, :-1]) & ~token[:, 1:]).sum(1)
  possible = ((token_lengths + repeats <= lengths) & (token_lengths > 0)).astype(logits.dtype)
  loss = jnp.where(possible > 0, loss, 0.0) / jnp.maximum(token_lengths, 1)
  return masked_mean(loss, possible if mask is None else possible * mask)
