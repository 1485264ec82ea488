"""Tracks of invented sentences: smooth random curves, said faster or slower by different voices."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

DIMENSIONS = 12


class Clip(NamedTuple):
  speaker: str
  cell: str
  sentence: int


def say(sentence: int, speaker: int = 0, take: int = 0) -> np.ndarray:
  """(frames, 12) track: the sentence's curve under a voice, with its own timing and noise."""
  plan = np.random.default_rng([1, sentence])
  voice = np.random.default_rng([2, speaker])
  random = np.random.default_rng([3, sentence, speaker, take])
  frames = int(plan.integers(150, 300) * random.uniform(0.8, 1.25))
  curve = gaussian_filter1d(plan.normal(size=(400, DIMENSIONS)), 4, axis=0)
  curve /= curve.std(axis=0)
  tempo = np.exp(gaussian_filter1d(random.normal(size=frames), 20) * 1.5)
  at = np.cumsum(tempo) / tempo.sum() * (len(curve) - 1)
  track = np.stack([np.interp(at, np.arange(len(curve)), c) for c in curve.T], axis=1)
  track = track * voice.uniform(0.5, 2, DIMENSIONS) + voice.normal(0, 5, DIMENSIONS)
  return track + random.normal(0, 0.4, track.shape)


def corpus(speakers: int, cells: int, shared: int, own: int) -> list[Clip]:
  """Every speaker says `shared` sentences in all cells and `own` others in each of them."""
  return [Clip(f's{s}', f's{s}/{c}', n) for s in range(speakers) for c in range(cells)
          for n in [*range(shared), *range(shared + own * c, shared + own * (c + 1))]]


def tracks(clips: list[Clip]) -> list[np.ndarray]:
  """A track of each clip; no two are the same."""
  return [say(c.sentence, int(c.speaker[1:]), i) for i, c in enumerate(clips)]


def precision_recall(groups, sentences) -> tuple[float, float]:
  """Of pairs in one group (-1: in none), the share that says the same; and the other way round."""
  groups, sentences = np.asarray(groups), np.asarray(sentences)
  first, second = np.triu_indices(len(groups), 1)
  grouped = (groups[first] == groups[second]) & (groups[first] >= 0)
  same = sentences[first] == sentences[second]
  return (grouped & same).sum() / max(1, grouped.sum()), (grouped & same).sum() / same.sum()
