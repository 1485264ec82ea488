"""Emotion accuracy of mouth and jaw landmarks: a linear classifier that never sees the brows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

EVERY = 6  # frames of which one is learned from: neighbours say the same


class EmotionClassifier(NamedTuple):
  """A standard scaler and a logistic regression on the 57 content points of a single frame."""
  pipeline: Pipeline

  @classmethod
  def fit(
      cls, sequences: Sequence[Float[np.ndarray, 'T 57 2']], labels: Sequence[int], *,
      every: int = EVERY) -> 'EmotionClassifier':
    """Fits on every `every`-th frame of each clip.

    Args:
      sequences: content points of clips of training speakers, in the stable frame.
      labels: the emotion of each clip.
      every: of so many frames one is taken.
    """
    frames = [np.asarray(s[::every], np.float32).reshape(-1, 114) for s in sequences]
    targets = np.repeat(np.asarray(labels), [len(f) for f in frames])
    # C = 0.1: frames of a clip are far from independent, so the fit wants more than unit shrinkage.
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=.1, max_iter=200))
    return cls(pipeline.fit(np.concatenate(frames), targets))

  def log_probabilities(self, sequence: Float[np.ndarray, 'T 57 2']) -> Float[np.ndarray, ' E']:
    """Mean over the clip's frames of the log-probability of each emotion in `self.emotions`."""
    frames = np.asarray(sequence, np.float32).reshape(-1, 114)
    return self.pipeline.predict_log_proba(frames).mean(0)

  @property
  def emotions(self) -> np.ndarray:
    """The labels that were seen in training, in the order of `log_probabilities`."""
    return self.pipeline.classes_

  def predicted(self, sequences: Sequence[Float[np.ndarray, 'T 57 2']]) -> list[int]:
    """The most probable emotion of each clip; together they take hardly longer than one."""
    frames = np.concatenate([np.asarray(s, np.float32).reshape(-1, 114) for s in sequences])
    ends = np.cumsum([len(s) for s in sequences])[:-1]
    parts = np.split(self.pipeline.predict_log_proba(frames), ends)
    return [int(self.emotions[part.mean(0).argmax()]) for part in parts]

  def predict(self, sequence: Float[np.ndarray, 'T 57 2']) -> int:
    """The most probable emotion of a clip."""
    return self.predicted([sequence])[0]

  def accuracy(
      self, sequences: Sequence[Float[np.ndarray, 'T 57 2']], labels: Sequence[int]) -> float:
    """Share of clips whose most probable emotion is the label."""
    return float(np.mean(np.equal(self.predicted(sequences), labels)))
