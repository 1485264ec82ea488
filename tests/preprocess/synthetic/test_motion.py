"""Motion tracks: shapes, reproducibility, timing of lips and beats, and the counterfactual."""

import dataclasses

import numpy as np
import pytest

from cemnet_jax.preprocess.synthetic.action_units import AU_INDEX
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import (
  ANTICIPATION,
  BROW_RAISE,
  NOD,
  NOD_DELAY,
  motion_tracks,
  stress_track,
)
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
  assert np.abs(motion.pose[:, :3]).max() < .6
  assert motion.beat.shape == (30,) and motion.beat.min() >= 0


def test_same_names_same_tracks_other_take_other_tracks():
  first, again, other = _tracks(), _tracks(), _tracks(seed_ids=(1,))
  np.testing.assert_array_equal(first.pose, again.pose)
  np.testing.assert_array_equal(first.au, again.au)
  assert np.abs(first.pose - other.pose).max() > .01
  np.testing.assert_array_equal(first.viseme, other.viseme)


def test_lips_close_in_the_middle_of_m_and_open_in_the_vowel():
  viseme = _tracks('neutral').viseme
  middle = int((.56 - ANTICIPATION) * 25)
  assert viseme[middle, CLOSE] > .85
  assert viseme[int((.36 - ANTICIPATION) * 25), JAW] > .8 > .2 > viseme[0, JAW]


def test_unknown_phone_is_an_error():
  with pytest.raises(KeyError):
    motion_tracks([('XX', 0, 1)], 25, 'happy', 3, IDENTITY, (0,))


def test_without_emotion_keeps_all_but_action_units():
  motion = _tracks()
  plain = motion.without_emotion()
  assert not plain.au.any()
  for name in ('viseme', 'blink', 'pose', 'gaze', 'beat'):
    np.testing.assert_array_equal(getattr(plain, name), getattr(motion, name))


def test_expression_grows_in_the_first_frames():
  motion = _tracks()
  assert motion.au[0].sum() < motion.au[10:].sum(1).mean()


# A sentence of two phrases, three stressed vowels, at 25 fps.
SENTENCE = [('_', 0, .4), ('AA1', .4, .7), ('M', .7, .9), ('IY', .9, 1.1), ('AE1', 1.1, 1.4),
            ('_', 1.4, 1.8), ('AO1', 1.8, 2.1), ('N', 2.1, 2.3), ('_', 2.3, 3.2)]
FLAT = [(phone.rstrip('1'), start, end) for phone, start, end in SENTENCE]


def _with_beat(beat):
  return dataclasses.replace(IDENTITY, habits=dataclasses.replace(IDENTITY.habits, beat=beat))


def _sentence(phones=SENTENCE, emotion='neutral', beat=1., identity=None):
  return motion_tracks(phones, 80, emotion, 3, identity or _with_beat(beat), (4,))


def test_the_head_nods_40_ms_after_stress_and_brows_rise_with_it():
  nod = _sentence().pose[:, 1] - _sentence(FLAT).pose[:, 1]
  np.testing.assert_allclose(nod, NOD * stress_track(SENTENCE, 80, NOD_DELAY), atol=1e-12)
  assert abs(nod.min() - NOD) < .002  # a long vowel gets the whole nod
  np.testing.assert_allclose(_sentence().beat, BROW_RAISE * stress_track(SENTENCE, 80))
  assert not _sentence(FLAT).beat.any()


def test_stress_is_one_in_the_midst_of_its_vowel_zero_elsewhere_and_late_when_asked():
  time, track = (np.arange(80) + .5) / 25, stress_track(SENTENCE, 80)
  inside = np.zeros(80, bool)
  for phone, start, end in SENTENCE:
    inside |= phone.endswith('1') & (time > start + .07) & (time < end - .07)
  assert track[inside].min() > .99
  far = np.min([np.maximum(start - time, time - end) for phone, start, end in SENTENCE
                if phone.endswith('1')], axis=0) > .07
  assert not track[far].any()
  late = stress_track(SENTENCE, 80, .04)
  centre = (time * track).sum() / track.sum()
  assert abs((time * late).sum() / late.sum() - centre - .04) < .005
  true = np.mean([(start + end) / 2 for phone, start, end in SENTENCE if phone.endswith('1')])
  assert abs(centre - true) < .005


def test_the_head_settles_only_after_phrases():
  settling = _sentence(FLAT).pose - _sentence(FLAT, beat=0.).pose
  moving = np.abs(np.diff(settling, axis=0)).max(1) > 1e-9
  time = np.arange(1, 80) / 25
  near = ((time > 1.3) & (time < 1.8)) | ((time > 2.2) & (time < 2.7))
  assert not moving[~near].any() and moving[near].mean() > .7
  assert np.abs(settling[-1, :3]).max() > .002 and settling[0].max() == 0


@pytest.mark.parametrize('emotion, factor', [('angry', 1.4), ('happy', 1.2), ('sad', .6),
                                             ('neutral', 1.), ('fear', 1.)])
def test_emotion_and_speaker_scale_the_beats(emotion, factor):
  np.testing.assert_allclose(_sentence(emotion=emotion, beat=.8).beat,
                             .8 * factor * BROW_RAISE * stress_track(SENTENCE, 80))


def test_speakers_have_their_own_gain():
  gains = np.array([make_identity(s).habits.beat for s in range(200)])
  assert .3 <= gains.min() < .4 and 1.4 < gains.max() <= 1.5


def test_beats_reach_the_brows_and_stay_in_the_counterfactual():
  motion = _sentence()
  for name in ('AU1', 'AU2'):
    np.testing.assert_allclose(motion.units()[:, AU_INDEX[name]],
                               np.clip(motion.au[:, AU_INDEX[name]] + motion.beat, 0, 1.6))
  others = [i for i in range(20) if i not in (AU_INDEX['AU1'], AU_INDEX['AU2'])]
  np.testing.assert_array_equal(motion.units()[:, others], motion.au[:, others])
  assert motion.without_emotion().units().any()


def test_nods_are_nearer_to_stress_than_chance():
  """Over many clips the head's downward motion goes with the stress of its own sentence."""
  own, other = [], []
  for take in range(40):
    pose = motion_tracks(SENTENCE, 80, 'neutral', 1, _with_beat(1.2), (take,)).pose[:, 1]
    speed = np.diff(pose)
    own.append(np.corrcoef(speed, np.diff(stress_track(SENTENCE, 80, NOD_DELAY)))[0, 1])
    other.append(np.corrcoef(speed, np.diff(stress_track(SENTENCE, 80, NOD_DELAY))[::-1])[0, 1])
  assert np.mean(own) < -.4 and abs(np.mean(other)) < .25


def test_heads_are_turned_now_and_then():
  turn = np.array([motion_tracks(FLAT, 80, 'neutral', 1, make_identity(s), (0,)).pose[:, :2].mean(0)
                   for s in range(200)])
  degrees = np.degrees(np.abs(turn))
  assert np.percentile(degrees[:, 0], 50) < 6 and np.percentile(degrees[:, 0], 97) > 14
  assert 4 < np.percentile(degrees[:, 1], 90) < 10
