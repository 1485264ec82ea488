import numpy as np
import pytest

from cemnet_jax.metrics.emotion_accuracy import EmotionClassifier


def clips(rng, shapes, count, frames=20, noise=.3):
  """Clips whose frames scatter about their emotion's shape, plus a per-clip speaker offset."""
  sequences, labels = [], []
  for label, shape in shapes.items():
    for _ in range(count):
      speaker = .1 * rng.normal(size=(57, 2))
      sequences.append(shape + speaker + noise * rng.normal(size=(frames, 57, 2)))
      labels.append(label)
  return sequences, labels


def test_learns_separable_emotions_and_keeps_label_values():
  rng = np.random.default_rng(0)
  shapes = {label: .3 * rng.normal(size=(57, 2)) for label in (1, 4, 7)}
  classifier = EmotionClassifier.fit(*clips(rng, shapes, 8))
  assert list(classifier.emotions) == [1, 4, 7]
  sequences, labels = clips(rng, shapes, 5)
  assert classifier.accuracy(sequences, labels) == 1
  assert classifier.accuracy(sequences, [4 if k == 1 else 1 for k in labels]) == 0


def test_clip_decision_is_the_mean_of_frame_log_probabilities():
  rng = np.random.default_rng(1)
  shapes = {label: .05 * rng.normal(size=(57, 2)) for label in (0, 1)}
  classifier = EmotionClassifier.fit(*clips(rng, shapes, 6))
  sequence = clips(rng, shapes, 1)[0][0]
  by_frame = np.mean([classifier.log_probabilities(frame[None]) for frame in sequence], 0)
  np.testing.assert_allclose(classifier.log_probabilities(sequence), by_frame, rtol=1e-5)
  assert np.exp(classifier.log_probabilities(sequence[:1])).sum() == pytest.approx(1)
