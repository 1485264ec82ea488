"""Motion tracks: shapes, reproducibility, timing of lip closures, and the counterfactual."""

import numpy as np
import pytest

from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks
from cemnet_jax.preprocess.synthetic.phones import VISEME_CHANNELS

JAW, CLOSE = VISEME_CHANNELS.index('jaw'), VISEME_CHANNELS.index('close')
PHONES = [('_', 0, .2), ('AA1', .2, .5), ('M', .5, .62), ('IY0', .62, .9), ('_', .9, 1.2)]
IDENTITY = make_identity(3)


def _tracks(emotion='happy', intensity=3, seed_ids=(0,)):
  return motion_tracks(PHONES, 30, emotion, intensity, IDENTITY, seed_ids)


def test_shapes_and_ranges():
  motion = _tracks()
  assert motion.au.shape == (30, 20) and motion.viseme.shape == (30, 8)
  assert motion.blink.shape == (30,) and motion.pose.shape == (30, 6)
  assert motion.gaze.shape == (30, 2)
  assert motion.au.min() >= 0 and motion.au.max() <= 1.6
  assert motion.blink.min() >= 0 and motion.blink.max() <= 1
  assert np.abs(motion.pose[:, :3]).max() < .35


def test_same_names_same_tracks_other_take_other_tracks():
  first, again, other = _tracks(), _tracks(), _tracks(seed_ids=(1,))
  np.testing.assert_array_equal(first.pose, again.pose)
  np.testing.assert_array_equal(first.au, again.au)
  assert np.abs(first.pose - other.pose).max() > .01
  np.testing.assert_array_equal(first.viseme, other.viseme)


def test_lips_close_in_the_middle_of_m_and_open_in_the_vowel():
  viseme = _tracks('neutral').viseme
  middle = int(.56 * 25)
  assert viseme[middle, CLOSE] > .85
  assert viseme[int(.36 * 25), JAW] > .8 > .2 > viseme[1, JAW]


def test_unknown_phone_is_an_error():
  with pytest.raises(KeyError):
    motion_tracks([('XX', 0, 1)], 25, 'happy', 3, IDENTITY, (0,))


def test_without_emotion_keeps_all_but_action_units():
  motion = _tracks()
  plain = motion.without_emotion()
  assert not plain.au.any()
  for name in ('viseme', 'blink', 'pose', 'gaze'):
    np.testing.assert_array_equal(getattr(plain, name), getattr(motion, name))


def test_expression_grows_in_the_first_frames():
  motion = _tracks()
  assert motion.au[0].sum() < motion.au[10:].sum(1).mean()
