"""How far the scorers can be trusted: their own accuracy on real clips of unseen speakers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.scorers import Scorers, Seen, hear, see
from cemnet_jax.metrics import emotion_recognition, lmd, tally
from cemnet_jax.metrics.lse import REACH, sync_scores
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, EMOTIONS, UNKNOWN


class Real(NamedTuple):
  """A real clip as the scorers see and hear it."""
  clip: dict
  seen: Seen
  heard: np.ndarray | None


def scorer_accuracy(clips: Clips, scorers: Scorers, limit: int = 160, seed: int = 0
                    ) -> dict[str, dict]:
  """Stage -> its figures, on at most `limit` clips of `test`, or of `val` where there are none.

  syncnet: `within_one_frame`, share of clips whose best offset is at most one frame; `auc` of
    blocks in time against blocks off by 1 to 15 frames, by distance; `lse_c`, `lse_d`.
  emotion_scorer: accuracy by frame and by clip, of the whole face and of its lower half, and the
    `confusion` of the latter, rows true.
  identity_scorer: verification `auc` over pairs of clips: same speaker or not.
  landmark_scorer: `m_lmd`, `f_lmd` to the known landmarks, px of a 256 face.

  Clips of unknown emotion do not count for the emotion scorer. It is left out where that is all of
  them, and the identity scorer where the dataset's speakers are not people.
  """
  split = next((s for s in ('test', 'val') if len(clips.ranges[s])), None)
  if split is None or not any(scorers):
    return {}
  indices = np.asarray(clips.ranges[split])
  chosen = np.sort(np.random.default_rng(seed).permutation(indices)[:limit])
  reals = []
  for i in tqdm(chosen, desc='scorers', unit='clip', mininterval=1.0, disable=None):
    clip = clips[i]
    frames = np.stack([decode_jpeg(f) for f in clip['frames']])
    reals.append(Real(clip, see(scorers, frames), hear(scorers, clip['audio'])))
  judged = {'syncnet': _sync, 'emotion_scorer': _emotion, 'identity_scorer': _identity,
            'landmark_scorer': _landmarks}
  labelled = [real for real in reals if real.clip['emotion'] != UNKNOWN]
  shown = {**dict.fromkeys(judged, reals), 'emotion_scorer': labelled,
           'identity_scorer': [] if clips.without_people else reals}
  return {name: {'split': split, 'clips': len(shown[name]), **judged[name](shown[name])}
          for name, scorer in scorers._asdict().items() if scorer is not None and shown[name]}


def _sync(reals: Sequence[Real]):
  scores, own, shifted = [], [], []
  for real in reals:
    if real.seen.lips is None or real.heard is None:
      continue
    blocks = min(len(real.seen.lips), len(real.heard))
    lips, audio = real.seen.lips[:blocks], real.heard[:blocks]
    scores.append(sync_scores(lips, audio))
    distances = np.linalg.norm(lips[:, None] - audio[None], axis=-1)  # V V
    lag = np.abs(np.arange(blocks)[:, None] - np.arange(blocks))
    own.append(distances[lag == 0])
    shifted.append(distances[(lag > 0) & (lag <= REACH)])
  own, shifted = np.concatenate(own), np.concatenate(shifted)
  late = np.array([s.offset for s in scores if np.isfinite(s.offset)])
  return {'within_one_frame': float((np.abs(late) <= 1).mean()) if len(late) else float('nan'),
          'auc': auc(own, shifted),
          'lse_c': float(np.nanmean([s.lse_c for s in scores])),
          'lse_d': float(np.nanmean([s.lse_d for s in scores]))}


def auc(near: np.ndarray, far: np.ndarray) -> float:
  """How often a value of `near` is below one of `far`: area under the ROC curve."""
  labels = np.concatenate([np.ones(len(near)), np.zeros(len(far))])
  return float(roc_auc_score(labels, -np.concatenate([near, far])))


def _emotion(reals: Sequence[Real]):
  figures = {}
  table = np.zeros((len(EMOTIONS),) * 2)
  for suffix in ('', '_lower'):
    frames, whole = [], []
    for real in reals:
      found, label = getattr(real.seen, f'emotion{suffix}'), EMOTIONS[real.clip['emotion']]
      classes = emotion_recognition.classes_of(found)
      frames.append(emotion_recognition.frame_accuracy(found, label, classes))
      whole.append(emotion_recognition.clip_accuracy(found, label, classes))
      table += emotion_recognition.confusion(found, label, classes) * (suffix == '_lower')
    figures |= {f'frame_accuracy{suffix}': tally.mean(tally.merge(frames)),
                f'clip_accuracy{suffix}': tally.mean(tally.merge(whole))}
  return {**figures, 'classes': list(classes), 'confusion_lower': table.tolist()}


def _identity(reals: Sequence[Real]):
  vectors = np.stack([real.seen.identity.mean(0) for real in reals])
  vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
  who = np.array([real.clip['speaker'] for real in reals])
  first, second = np.triu_indices(len(who), 1)
  distance = 1 - (vectors @ vectors.T)[first, second]
  same = who[first] == who[second]
  if same.all() or not same.any():
    return {'auc': float('nan')}
  return {'auc': auc(distance[same], distance[~same])}


def _landmarks(reals: Sequence[Real]):
  pairs = [(real.seen.landmarks, real.clip['landmarks'].astype(np.float32)) for real in reals]
  lips = [lmd.m_lmd(a[:, CONTENT], b[:, CONTENT]) for a, b in pairs]
  return {'m_lmd': tally.mean(tally.merge(lips)),
          'f_lmd': tally.mean(tally.merge([lmd.f_lmd(a, b) for a, b in pairs]))}
