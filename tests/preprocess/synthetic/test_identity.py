"""Speakers are reproducible, varied, and their habits hold across emotions."""

import dataclasses

import numpy as np

from cemnet_jax.preprocess.synthetic.identity import make_identity


def _numbers(identity):
  values = []
  for part in (identity.shape, identity.look, identity.habits):
    for field in dataclasses.fields(part):
      value = getattr(part, field.name)
      if not isinstance(value, str):
        values.append(np.ravel(np.asarray(value, float)))
  return np.concatenate(values)


def test_same_speaker_is_the_same_whatever_was_made_before():
  first = _numbers(make_identity(5))
  make_identity(9)
  np.testing.assert_array_equal(first, _numbers(make_identity(5)))


def test_speakers_differ():
  numbers = [_numbers(make_identity(i)) for i in range(12)]
  for i in range(12):
    for j in range(i):
      assert np.abs(numbers[i] - numbers[j]).max() > .01


def test_colours_are_colours():
  for speaker in range(50):
    look = make_identity(speaker).look
    for colour in (look.skin, look.hair, look.iris, look.lips, look.shirt, look.background):
      assert colour.shape == (3,) and colour.min() >= 0 and colour.max() <= 255


def test_identity_is_frozen():
  identity = make_identity(0)
  try:
    identity.speaker = 1
  except dataclasses.FrozenInstanceError:
    return
  raise AssertionError('identity can be changed')
