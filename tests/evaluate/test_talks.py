from types import SimpleNamespace

import numpy as np
import pytest

from cemnet_jax.evaluate import cases as case_list
from cemnet_jax.evaluate import talks
from cemnet_jax.evaluate.cases import conflicting_pairs
from cemnet_jax.infer.video import TalkingVideo
from cemnet_jax.preprocess.synthetic.clip import make_clip
from cemnet_jax.preprocess.synthetic.world import WORLDS
from cemnet_jax.preprocess.video import read_video
from cemnet_jax.topology import EMOTIONS


@pytest.fixture(scope='module')
def clips():
  """The test split of the debug world, made clip by clip as it is asked for."""
  world = WORLDS['mead_debug']
  keys = world.keys('test')
  table = {'speaker_index': np.array([world.speaker_indices()[k.speaker] for k in keys]),
           'speaker': np.array([f'{k.speaker:04d}' for k in keys]),
           'emotion': np.array([EMOTIONS.index(k.emotion) for k in keys]),
           'sentence': np.array([k.sentence for k in keys])}

  class Made(SimpleNamespace):
    def __getitem__(self, index):
      record = make_clip(world, keys[index])
      return {**record, 'emotion': EMOTIONS.index(record['emotion'])}

  return Made(name='synth_mead/mead_debug', table=table, ranges={'test': range(len(keys))})


class Parrot:
  """Shows its canvas and says what it hears; remembers what it was asked."""

  def __init__(self):
    self.asked = []

  def speak(self, references, audio, canvas, memory):
    self.asked.append((references, memory))
    return TalkingVideo(np.stack(canvas.frames), audio, canvas.landmarks)


def test_cases_conflict_and_stay_with_their_speaker(clips):
  table = clips.table
  cases = talks.talk_cases(clips)
  speakers = len(set(table['speaker_index']))
  assert len(cases) == 3 * min(3, speakers)
  for case, (shown, heard) in zip(cases, conflicting_pairs(3) * speakers):
    assert (table['emotion'][case.reference], table['emotion'][case.driving]) == (shown, heard)
    assert table['speaker_index'][case.reference] == table['speaker_index'][case.driving]
    assert shown != heard


def test_every_pair_is_compared_once():
  speakers = ['a'] * 3 + ['b'] * 3 + ['c'] * 2 + ['d']
  cases = [case_list.Case(i, 0) for i in range(9)]
  shown = SimpleNamespace(table={'speaker': speakers})
  assert [c.driving for c in talks.one_of_each_speaker(shown, cases)] == [0, 4, 6, 8]


def test_a_talk_and_what_is_written_of_it(clips, tmp_path):
  parrot = Parrot()
  systems = {'generated': talks.Voiced(parrot), 'alone': talks.Voiced(parrot, memory=False)}
  talk = talks.make_talk(clips, talks.talk_cases(clips)[0], systems, size=64)
  assert [memory for _, memory in parrot.asked] == [True, False]
  references = parrot.asked[0][0]
  assert len(references.frames) == talks.REFERENCES and not references.moving
  assert list(talk.videos) == ['generated', 'alone', 'ground truth']
  count = len(talk.opening)
  assert all(v.shape == (count, 64, 64, 3) for v in talk.videos.values())
  assert len(talk.audio) == 640 * count

  path = talks.write_talk(tmp_path, 3, talk, 'generated')
  assert path.name == 'talk_3.mp4'
  video = read_video(path)
  assert len(video.frames) == count
  error = np.abs(video.frames.astype(int) - talk.videos['generated']).mean()
  assert error < 12  # H.264 with subsampled colour
  talks.write_side_by_side(tmp_path / 'side.mp4', [talk, talk], size=64)
  assert len(read_video(tmp_path / 'side.mp4').frames) == 2 * count
  assert talks.sheet([talk], size=32).shape[1] == 32 + 3 * 100 + 5 * 8
