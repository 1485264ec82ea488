import numpy as np
import pytest

from cemnet_jax.metrics.mouth_opening import BOTTOM
from cemnet_jax.metrics.silence import silence_motion, silent_frames
from cemnet_jax.metrics.tally import EMPTY, mean, merge


def speech(levels, seed=0):
  """Noise of one RMS level per video frame."""
  rng = np.random.default_rng(seed)
  return (np.repeat(levels, 640) * rng.choice([-1., 1.], 640 * len(levels))).astype(np.float32)


def mouth(gaps):
  content = np.full((len(gaps), 57, 2), .5)
  content[:, BOTTOM, 1] += gaps
  return content


def test_threshold_is_forty_decibels_below_the_loudest_frame():
  for loudest in (.5, .05):
    levels = loudest * np.array([1, .011, .011, .011, 1, .009, .009, .009, .009, 1])
    expected = [False] * 5 + [True] * 4 + [False]
    assert silent_frames(speech(levels), 10).tolist() == expected


def test_short_gaps_are_stops():
  levels = np.array([0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0]) / 2
  expected = [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1]
  assert silent_frames(speech(levels), 13).astype(int).tolist() == expected


def test_audio_ends_before_the_video_or_after_it():
  audio = speech(np.full(6, .3))
  assert silent_frames(audio, 10).tolist() == [False] * 6 + [True] * 4
  assert silent_frames(audio, 4).tolist() == [False] * 4
  assert silent_frames(audio, 0).shape == (0,)


def test_a_clip_of_nothing_is_silent():
  rounding = np.random.default_rng(0).integers(-1, 2, 640 * 5) / 32768
  for audio in (np.zeros(640 * 5), rounding):
    assert silent_frames(audio, 5).all()


def test_motion_by_hand():
  content = mouth(np.array([.1, .2, .2, .15, .15, .5]))
  silent = np.array([True, True, True, True, False, True])
  assert silence_motion(content, silent) == pytest.approx((256 * .15, 3))
  assert silence_motion(content, silent, size=128) == pytest.approx((128 * .15, 3))
  assert silence_motion(content, np.zeros(6, bool)) == EMPTY
  assert silence_motion(content[:1], silent[:1]) == EMPTY


def test_still_mouths_score_zero_and_clips_merge_by_their_steps():
  silent = np.ones(9, bool)
  still = silence_motion(mouth(np.full(9, .1)) + .01 * np.arange(9)[:, None, None], silent)
  assert still == pytest.approx((0, 8), abs=1e-9)
  restless = silence_motion(mouth(.1 + .02 * (np.arange(3) % 2)), silent[:3])
  assert mean(merge([still, restless])) == pytest.approx(256 * .02 * 2 / 10)
