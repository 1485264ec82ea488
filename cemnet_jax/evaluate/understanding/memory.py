"""Which slots the Emotion Bridging Memory reads, and for which pair of emotions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.cases import Case, draw_references
from cemnet_jax.evaluate.methods import talker_inputs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.nets.ebm import slot_entropy
from cemnet_jax.topology import EMOTIONS

REFERENCES = 5  # pictures of the speaker, as in the paper
MOST = .9  # of the weight: how many slots carry it
TOP = 3  # slots named for each pair


class Usage(NamedTuple):
  """Weights of the K slots over N cases, mean over the frames of each.

  Attributes:
    shown, heard: emotion of the references and of the speech.
    weights: alpha_k of Eq. 11; rows sum to 1.
    peak: the largest weight of a frame.
    frame_entropy: nats, of the weights of a frame.
  """
  shown: Int[np.ndarray, ' N']
  heard: Int[np.ndarray, ' N']
  weights: Float[np.ndarray, 'N K']
  peak: Float[np.ndarray, ' N']
  frame_entropy: Float[np.ndarray, ' N']


class Pairs(NamedTuple):
  """Mean usage of P pairs of emotions, ordered by the emotion of the speech."""
  shown: Int[np.ndarray, ' P']
  heard: Int[np.ndarray, ' P']
  weights: Float[np.ndarray, 'P K']
  cases: Int[np.ndarray, ' P']


def measure(clips: Clips, talker: Talker, cases: Sequence[Case]) -> Usage:
  """Slot weights of every case, as a talking video of it would use them.

  Raises:
    UserError: the talker's system has no slots.
  """
  weights = [talker.slot_weights(*talker_inputs(clips[case.driving],
                                                draw_references(clips, case, REFERENCES)))
             for case in cases]
  return collect(weights, *([clips.table['emotion'][getattr(case, who)] for case in cases]
                            for who in ('reference', 'driving')))


def collect(weights: Sequence[Float[np.ndarray, 'T K']], shown: Sequence[int],
            heard: Sequence[int]) -> Usage:
  """Usage of cases whose frames have these weights; T differs."""
  return Usage(
    np.asarray(shown), np.asarray(heard), np.stack([w.mean(0, dtype=np.float64) for w in weights]),
    np.array([w.max(-1).mean() for w in weights]),
    np.array([np.mean([_entropy(frame) for frame in w]) for w in weights]))


def _entropy(weights):
  return float(slot_entropy(np.asarray(weights)[None]))


def by_pair(usage: Usage) -> Pairs:
  """Mean over the cases of each pair of emotions that occurs."""
  keys = sorted(set(zip(usage.heard.tolist(), usage.shown.tolist())))
  mine = [(usage.heard == heard) & (usage.shown == shown) for heard, shown in keys]
  return Pairs(np.array([k[1] for k in keys]), np.array([k[0] for k in keys]),
               np.stack([usage.weights[m].mean(0) for m in mine]),
               np.array([m.sum() for m in mine]))


def similarity(pairs: Pairs) -> Float[np.ndarray, 'P P']:
  """Cosine between the usages of any two pairs."""
  unit = pairs.weights / np.linalg.norm(pairs.weights, axis=1, keepdims=True)
  return unit @ unit.T


def summary(usage: Usage) -> dict:
  """The numbers of `usage` as plain data.

  Returns:
    cases, slots: how many; entropy_nats, entropy_share: of the mean usage, and of log K;
    slots_90: how many slots carry 90 % of the weight; mean_peak: the largest weight of a frame;
    frame_entropy_nats; information_nats: what a slot tells about the frame that reads it, their
    difference; similarity: mean cosine of the usage of two pairs that share the emotion of
    the speech, of the references, or none of them; pairs: the top slots of each.
  """
  mean = usage.weights.mean(0)
  entropy, within = _entropy(mean), float(usage.frame_entropy.mean())
  pairs = by_pair(usage)
  top = np.argsort(-pairs.weights, axis=1, kind='stable')[:, :TOP]
  return {
    'cases': len(usage.weights), 'slots': len(mean), 'entropy_nats': entropy,
    'entropy_share': entropy / np.log(len(mean)), 'slots_90': carrying(mean, MOST),
    'mean_peak': float(usage.peak.mean()),
    'frame_entropy_nats': within, 'information_nats': entropy - within,
    'similarity': _shared(pairs),
    'pairs': [{'reference': EMOTIONS[s], 'speech': EMOTIONS[h], 'cases': int(n),
               'top': [[int(k), float(w[k])] for k in slots]}
              for s, h, n, w, slots in zip(*pairs[:2], pairs.cases, pairs.weights, top)]}


def carrying(weights: Float[np.ndarray, ' K'], share: float) -> int:
  """The least number of slots that together hold `share` of all weight."""
  held = np.cumsum(np.sort(weights)[::-1]) / weights.sum()
  return int(np.searchsorted(held, share - 1e-9) + 1)  # 0.9 of ten equal slots is nine of them


def _shared(pairs):
  same_speech, same_face = (x[:, None] == x[None] for x in (pairs.heard, pairs.shown))
  kinds = {'same_speech': same_speech & ~same_face, 'same_reference': same_face & ~same_speech,
           'neither': ~same_speech & ~same_face}
  cosines = similarity(pairs)
  return {name: float(cosines[of].mean()) if of.any() else None for name, of in kinds.items()}
