import itertools

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import cases
from cemnet_jax.topology import NEUTRAL
from tests.evaluate.world import EMOTIONS, SIZE, World


@pytest.fixture(scope='module')
def world():
  return World()


@pytest.mark.parametrize('split', ['test', 'test_sentence'])
@pytest.mark.parametrize('protocol', ['neutral_base', 'cross_emotion', 'ablation', 'intensity'])
def test_cases_pair_a_speaker_with_itself(world, split, protocol):
  table = world.table
  drawn = cases.draw_cases(world, split, protocol, 0)
  assert [c.driving for c in drawn] == list(world.ranges[split])
  assert drawn == cases.draw_cases(world, split, protocol, 0)
  for driving, reference, _ in drawn:
    assert driving != reference
    assert table['speaker_index'][driving] == table['speaker_index'][reference]
    assert table['sentence'][driving] != table['sentence'][reference]
    assert reference in world.ranges['train' if split == 'test_sentence' else split]
    if protocol == 'neutral_base':
      assert table['emotion'][reference] == NEUTRAL
    else:
      assert table['emotion'][reference] != table['emotion'][driving]


def test_ablations_and_intensities_are_the_cases_of_cross_emotion(world):
  cross = cases.draw_cases(world, 'test', 'cross_emotion', 1)
  assert cross == cases.draw_cases(world, 'test', 'ablation', 1)
  assert cross == cases.draw_cases(world, 'test', 'intensity', 1)
  assert cross != cases.draw_cases(world, 'test', 'neutral_base', 1)


def test_lrs_takes_the_clip_itself(world):
  assert all(c.driving == c.reference for c in cases.draw_cases(world, 'test', 'lrs', 0))


def test_the_matrix_has_every_pair_of_emotions(world):
  drawn = cases.draw_cases(world, 'test', 'matrix', 0, limit=2)
  emotion, speaker = world.table['emotion'], world.table['speaker_index']
  cells = [(emotion[c.reference], emotion[c.driving]) for c in drawn]
  assert {cell: cells.count(cell) for cell in cells} == {
    cell: 2 for cell in itertools.product(EMOTIONS, EMOTIONS)}
  assert all(speaker[c.reference] == speaker[c.driving] != -1 for c in drawn)
  assert all(c.reference != c.driving for c in drawn)


@pytest.mark.parametrize('protocol', cases.DRAWN)
def test_repetitions_are_the_same_clips_with_other_references(world, protocol):
  drawn = [cases.draw_cases(world, 'test', protocol, 0, 2, repetition) for repetition in range(4)]
  assert len({tuple(c.driving for c in some) for some in drawn}) == 1
  assert [c.seed for some in drawn for c in some[:1]] == [0, 1, 2, 3]
  references = {tuple(c.reference for c in some) for some in drawn}
  if cases.DRAWN[protocol] == 'cross':  # others find one clip here, and other frames of it
    assert len(references) > 1
  case = drawn[0][0]
  a, b = (cases.draw_references(world, case._replace(seed=seed), 5) for seed in (0, 1))
  assert a.images.shape == (5, SIZE, SIZE, 3) and a.landmarks.shape == (5, 131, 2)
  assert (a.landmarks != b.landmarks).any()


@pytest.mark.parametrize('seed', range(4))
def test_protocols_are_asked_about_the_same_clips(seed):
  world = World()
  table, test = world.table, np.asarray(world.ranges['test'])
  mute = test[(table['speaker_index'][test] == 3) & (table['emotion'][test] == NEUTRAL)]
  table['emotion'][mute] = EMOTIONS[0]  # this speaker has no neutral face to show
  draw = lambda protocol, limit: {
    c.driving for c in cases.draw_cases(world, 'test', protocol, seed, limit)}
  assert draw('cross_emotion', 4) == draw('lrs', 4)
  able = draw('neutral_base', 0)
  assert able < draw('cross_emotion', 0)
  assert draw('cross_emotion', 4) & able <= draw('neutral_base', 4)


def test_a_share_of_the_clips_is_drawn_by_seed(world):
  some = cases.draw_cases(world, 'test', 'cross_emotion', 0, limit=5)
  assert len(some) == 5 and some == cases.draw_cases(world, 'test', 'cross_emotion', 0, limit=5)
  whole = cases.draw_cases(world, 'test', 'cross_emotion', 0)
  assert set(some) < set(whole) and some == sorted(some)
  others = [tuple(c.driving for c in cases.draw_cases(world, 'test', 'cross_emotion', s, limit=5))
            for s in range(4)]
  assert len(set(others)) > 1


def test_one_emotion_only_is_a_clear_error():
  with pytest.raises(UserError, match='cross_emotion'):
    cases.draw_cases(World(emotions=(4,)), 'test', 'cross_emotion', 0)


def test_conflicting_pairs_conflict():
  pairs = cases.conflicting_pairs(8)
  assert len(set(pairs)) == 8 and all(a != b for a, b in pairs)
  assert np.array(pairs).max() < 8
