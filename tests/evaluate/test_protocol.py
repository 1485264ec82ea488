import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import protocol, scoring
from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg
from cemnet_jax.topology import CONTENT, NEUTRAL, STABLE, STABLE_TEMPLATE

EMOTIONS = (0, 4, NEUTRAL)
SIZE = 32


class World:
  """Clips of 3 train and 2 test speakers, 3 emotions, 2 sentences, as `data.source.Clips` serves.

  An emotion shifts and widens the lips; the head drifts; sentence 1 of train speakers is held out.
  """
  name = 'world'

  def __init__(self, emotions=EMOTIONS):
    rng = np.random.default_rng(0)
    face = rng.uniform(.3, .7, (131, 2))
    face[STABLE] = .5 + .2 * np.asarray(STABLE_TEMPLATE) / np.ptp(STABLE_TEMPLATE)
    moves = {e: .04 * rng.normal(size=(57, 2)) for e in emotions}
    keys = ([('train', s, e, 0) for s in range(3) for e in emotions]
            + [('test', s, e, w) for s in (3, 4) for e in emotions for w in (0, 1)]
            + [('test_sentence', s, e, 1) for s in range(3) for e in emotions])
    self.clips = [self.make(rng, face, moves[e], e, 12 + 3 * w) for _, _, e, w in keys]
    splits = [k[0] for k in keys]
    self.ranges = {s: range(splits.index(s), splits.index(s) + splits.count(s)) if s in splits
                   else range(0) for s in ('train', 'val', 'test', 'test_sentence')}
    self.table = {'speaker_index': np.array([k[1] for k in keys]),
                  'emotion': np.array([k[2] for k in keys]),
                  'sentence': np.array([f's{k[3]}' for k in keys])}

  @staticmethod
  def make(rng, face, move, emotion, length):
    landmarks = np.repeat(face[None], length, 0)
    landmarks[:, CONTENT] += move
    landmarks[:, CONTENT[-20:], 1] += .02 * rng.random((length, 1))
    landmarks += np.linspace(0, .05, length)[:, None, None]
    frames = [encode_jpeg(rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8))] * length
    return {'landmarks': landmarks.astype(np.float16), 'frames': frames, 'emotion': emotion}

  def __getitem__(self, i):
    return self.clips[i]


@pytest.fixture(scope='module')
def world():
  return World()


@pytest.mark.parametrize('split', ['test', 'test_sentence'])
def test_cases_pair_a_speaker_with_itself(world, split):
  table = world.table
  for name in protocol.PROTOCOLS:
    cases = protocol.draw_cases(world, split, name, 0)
    assert [c.driving for c in cases] == list(world.ranges[split])
    assert cases == protocol.draw_cases(world, split, name, 0)
    for driving, reference in cases:
      assert driving != reference
      assert table['speaker_index'][driving] == table['speaker_index'][reference]
      assert table['sentence'][driving] != table['sentence'][reference]
      assert reference in world.ranges['train' if split == 'test_sentence' else split]
      if name == 'neutral_base':
        assert table['emotion'][reference] == NEUTRAL
      else:
        assert table['emotion'][reference] != table['emotion'][driving]


def test_repetitions_draw_other_references(world):
  drawn = {tuple(protocol.draw_cases(world, 'test', 'cross_emotion', seed)) for seed in range(4)}
  assert len(drawn) > 1
  case = protocol.draw_cases(world, 'test', 'cross_emotion', 0)[0]
  a, b = (protocol.draw_references(world, case, 5, seed) for seed in (0, 1))
  assert a.images.shape == (5, SIZE, SIZE, 3) and a.landmarks.shape == (5, 131, 2)
  assert (a.landmarks != b.landmarks).any()


def test_a_share_of_the_clips_is_drawn_by_seed(world):
  still = protocol.Method('still', lambda clip, references: clip['landmarks'][:, CONTENT])
  settings = protocol.Settings(['cross_emotion'], ['test'], repetitions=1, clips=5)
  rows = protocol.evaluate(world, [still], settings)
  assert {row['clips'] for row in rows} == {5}
  assert rows == protocol.evaluate(world, [still], settings)


def test_one_emotion_only_is_a_clear_error():
  with pytest.raises(UserError, match='cross_emotion'):
    protocol.draw_cases(World(emotions=(4,)), 'test', 'cross_emotion', 0)


def test_copied_mouth_follows_the_head_and_nothing_else(world):
  clip, other = world[world.ranges['test'][0]], world[world.ranges['test'][4]]
  reference = other['landmarks'][:3].astype(np.float32)
  landmarks = clip['landmarks'].astype(np.float32)
  copied = scoring.copied_content([reference], [landmarks])[0]
  stable = scoring.stable_content([copied], [landmarks])[0]
  shown = scoring.stable_content([reference[:, CONTENT]], [reference])[0]
  np.testing.assert_allclose(stable, np.repeat(shown.mean(0)[None], len(stable), 0), atol=2e-3)


def test_scores_of_perfect_and_of_wrong_methods(world):
  content = lambda clip: clip['landmarks'][:, CONTENT].astype(np.float32)
  perfect = protocol.Method(
    'perfect', lambda clip, references: content(clip),
    lambda clip, references, mouth, frames: np.stack(
      [decode_jpeg(clip['frames'][f]) for f in frames]))
  shifted = protocol.Method('shifted', lambda clip, references: content(clip) + 3 / 256)
  settings = protocol.Settings(repetitions=2, references=3, rendered_clips=2, rendered_frames=4)
  rows = protocol.evaluate(world, [perfect, shifted], settings)
  assert len(rows) == 2 * 2 * 2 * 5
  by = lambda name: [r for r in rows if r['method'] == name]
  for row in by('perfect'):
    assert row['m_lmd'] == row['f_lmd'] == 0 and row['emotion'] == 1
    assert row['psnr'] == pytest.approx(80) and row['frames'] == 8
    assert row['offset_ms'] == pytest.approx(0, abs=1e-6)
  for row in by('shifted'):
    assert row['m_lmd'] == pytest.approx(0, abs=1e-3)
    assert row['m_lmd_plain'] == pytest.approx(3 * 2 ** .5, abs=.01)
    assert row['f_lmd'] == pytest.approx(3 * 2 ** .5 * 57 / 131, abs=.01)
    assert 'psnr' not in row
  for row in by(protocol.COPY):
    wrong = row['protocol'] == 'cross_emotion'
    assert row['emotion'] == 0 if wrong else row['emotion'] == pytest.approx(1 / 3)
  assert {r['psnr'] for r in by(protocol.TRUTH)} == {float('inf')}
