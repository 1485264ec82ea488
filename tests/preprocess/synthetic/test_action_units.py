"""Expressions follow the prototypes, grow with intensity, and carry one speaker's habits."""

import numpy as np
import pytest

from cemnet_jax.preprocess.synthetic.action_units import (
  AU_INDEX,
  AU_NAMES,
  PROTOTYPES,
  expression,
  prototype,
)
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.topology import EMOTIONS

SPEAKERS = [make_identity(i) for i in range(200)]


def test_every_emotion_has_a_prototype_of_known_units():
  assert sorted(PROTOTYPES) == list(EMOTIONS)
  assert len(AU_NAMES) == len(AU_INDEX) == 20
  for units in PROTOTYPES.values():
    assert set(units) <= set(AU_NAMES)


def test_contempt_can_change_sides():
  left, right = prototype('contempt', 'L'), prototype('contempt', 'R')
  assert left[AU_INDEX['AU14L']] == right[AU_INDEX['AU14R']] == 1
  assert left[AU_INDEX['AU14R']] == right[AU_INDEX['AU14L']] == 0


@pytest.mark.parametrize('emotion', [e for e in EMOTIONS if e != 'neutral'])
def test_intensity_moves_away_from_neutral(emotion):
  for identity in SPEAKERS[:10]:
    distances = [np.linalg.norm(expression(identity, emotion, level) - identity.habits.resting)
                 for level in (1, 2, 3)]
    assert distances[0] < distances[1] < distances[2]
    np.testing.assert_array_equal(expression(identity, 'neutral', 1),
                                  expression(identity, 'neutral', 3))


def test_emotion_is_recognised_from_mean_speaker():
  """The nearest prototype of what a speaker shows is nearly always the emotion asked for."""
  right = 0
  for identity in SPEAKERS:
    references = np.stack([prototype(e, identity.habits.contempt_side) for e in EMOTIONS])
    for k, emotion in enumerate(EMOTIONS):
      shown = expression(identity, emotion, 3)
      right += int(np.argmin(((references - shown) ** 2).sum(1))) == k
  assert right / (8 * len(SPEAKERS)) > .97


@pytest.mark.parametrize('unit, first, second', [
  ('AU4', 'angry', 'sad'), ('AU10', 'angry', 'disgusted'), ('AU15', 'sad', 'disgusted'),
  ('AU25', 'happy', 'fear'), ('AU7', 'angry', 'disgusted')])
def test_habits_are_shared_between_emotions(unit, first, second):
  """How strongly a speaker uses a unit under one emotion predicts it under another."""
  shown = [[expression(s, emotion, 3)[AU_INDEX[unit]] for s in SPEAKERS]
           for emotion in (first, second)]
  assert np.corrcoef(shown)[0, 1] > .8


def test_resting_face_shows_in_every_emotion():
  for identity in SPEAKERS:
    for emotion in EMOTIONS:
      shown = expression(identity, emotion, 2)
      assert (shown >= np.minimum(identity.habits.resting, 1.6) - 1e-12).all()
