"""The yardsticks for real speech where it is known what they must say."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import speech_limits as script

FRAMES = 100
RNG = np.random.default_rng(0)


def smooth(length, width, rng):
  return np.convolve(rng.normal(size=length + width), np.hanning(width + 1), 'valid')


@pytest.fixture(scope='module')
def spoken():
  """Mel in which only a band around 20 and its surroundings tell of the mouth."""
  mel = np.stack([smooth(320, 12, RNG) for _ in range(80)], axis=1)
  frames = np.round((np.arange(FRAMES) + 0.5) * 3.2).astype(int)
  opening = mel[frames, 20:24].mean(axis=1) + 3
  return script.Video('a', 'hello', opening, mel[frames, 40], mel)


def stretched(video, time):
  """The same said with another rhythm; `time` is that of the original at each mel frame."""
  at = np.arange(len(video.mel))
  mel = np.stack([np.interp(time, at, band) for band in video.mel.T], axis=1)
  frames = (np.arange(FRAMES) + 0.5) * 3.2
  opening = np.interp(np.interp(frames, at, time), frames, video.opening)
  return video._replace(mel=mel, opening=opening, source='b')


def test_another_take_is_moved_to_this_ones_time(spoken):
  bent = np.linspace(0, 319, 320) + 14 * np.sin(np.linspace(0, 2 * np.pi, 320))
  take = stretched(spoken, bent)
  agreement = lambda x: np.corrcoef(x, spoken.opening)[0, 1]
  assert agreement(take.opening) < 0.7
  assert agreement(script.moved(take, spoken)) > 0.95
  values = script.limits(spoken, [take, spoken._replace(sentence='goodbye', source='c')])
  assert values[1] == pytest.approx(values[2]) and values[1] > 0.95


def test_without_another_take_there_is_no_such_limit(spoken):
  others = [spoken._replace(sentence=None, source=name) for name in 'bc']
  values = script.limits(spoken._replace(sentence=None), others)
  assert np.isnan(values[1:3]).all()
  assert values[3] > 0.99  # the others are the same video, and linear
  assert values[4] == pytest.approx(np.corrcoef(spoken.level, spoken.opening)[0, 1])
  assert np.isnan(script.medians([values, values])[1])
  assert script.medians([values, (*values[:3], 0.0, 1.0)])[3] == pytest.approx(values[3] / 2)


def test_the_same_source_is_left_out_of_the_fit(spoken):
  noise = script.Video('b', None, RNG.normal(size=FRAMES), spoken.level,
                       np.stack([smooth(320, 12, RNG) for _ in range(80)], axis=1))
  assert abs(script.limits(spoken, [spoken, noise])[3]) < 0.5


def test_ravdess_names_tell_person_and_sentence():
  assert script.sentence(Path('Actor_01/01-01-08-02-02-01-01.mp4')) == '01 02'
  assert script.sentence(Path('clips/GRID_bbaf2n.mpg')) is None
