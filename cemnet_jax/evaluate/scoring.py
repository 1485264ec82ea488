"""Landmark scores of many clips at once, and the mouths that need no network."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics import lmd
from cemnet_jax.metrics.emotion_accuracy import EmotionClassifier
from cemnet_jax.metrics.mouth_opening import content_opening
from cemnet_jax.metrics.sync_offset import sync_offset
from cemnet_jax.nets import landmark_frame
from cemnet_jax.topology import CONTENT, STABLE

Clipwise = Sequence[np.ndarray]  # one array per clip, (T, L, 2), T differing


def stable_content(contents: Clipwise, landmarks: Clipwise) -> list[Float[np.ndarray, 'T 57 2']]:
  """Content points in the face's own frame, which `landmarks` (T, 131, 2) of each clip define."""
  # One call over all frames: a call per clip would compile anew for every length.
  everything = np.concatenate(landmarks).astype(np.float32)
  similarity = landmark_frame.fit(everything[:, STABLE])
  stable = landmark_frame.to_frame(np.concatenate(contents).astype(np.float32), similarity)
  return _split(np.asarray(stable), contents)


def copied_content(references: Clipwise, landmarks: Clipwise
                   ) -> list[Float[np.ndarray, 'T 57 2']]:
  """A mouth that never moves: each clip's mean reference mouth, carried along by its head."""
  shown = np.concatenate(references).astype(np.float32)
  framed = landmark_frame.to_frame(shown[:, CONTENT], landmark_frame.fit(shown[:, STABLE]))
  means = [mouth.mean(0) for mouth in _split(np.asarray(framed), references)]
  still = np.repeat(np.stack(means), [len(x) for x in landmarks], axis=0)
  everything = np.concatenate(landmarks).astype(np.float32)
  moved = landmark_frame.from_frame(still, landmark_frame.fit(everything[:, STABLE]))
  return _split(np.asarray(moved), landmarks)


def landmark_scores(contents: Clipwise, landmarks: Clipwise, emotions: Sequence[int],
                    classifier: EmotionClassifier) -> dict[str, float]:
  """Scores of predicted content points against the landmarks of the real clips.

  Args:
    contents: predicted (T, 57, 2) per clip, in the crop.
    landmarks: true (T, 131, 2) per clip, in the crop.
    emotions: what each clip's speech carries.

  Returns:
    m_lmd (centred, EAT's), m_lmd_plain, f_lmd: px of a 256 face, mean over clips; emotion:
    share of clips that `classifier` finds right; offset_ms: median of |offset| of the lip gap;
    gap_correlation: mean correlation of the lip gap at that offset.
  """
  truth = [points[:, CONTENT].astype(np.float32) for points in landmarks]
  stable, stable_truth = stable_content(contents, landmarks), stable_content(truth, landmarks)
  sync = np.array([sync_offset(content_opening(a), content_opening(b))
                   for a, b in zip(stable, stable_truth)])
  scores = {
    'm_lmd': [lmd.m_lmd(a, b) for a, b in zip(contents, truth)],
    'm_lmd_plain': [lmd.m_lmd(a, b, centred=False) for a, b in zip(contents, truth)],
    'f_lmd': [lmd.f_lmd(_with_content(x, a), x) for a, x in zip(contents, landmarks)]}
  scores = {k: float(np.mean(v)) for k, v in scores.items()}
  scores['emotion'] = classifier.accuracy(stable, emotions)
  heard = np.isfinite(sync[:, 0])
  if heard.any():
    scores['offset_ms'] = float(np.median(np.abs(sync[heard, 0])))
    scores['gap_correlation'] = float(sync[heard, 1].mean())
  return scores


def _with_content(landmarks, content):
  whole = np.array(landmarks, np.float32)
  whole[:, CONTENT] = content
  return whole


def _split(frames, like):
  return np.split(frames, np.cumsum([len(x) for x in like])[:-1])
