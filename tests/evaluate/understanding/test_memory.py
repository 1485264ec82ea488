"""Slot usage of weights made by hand."""

import cv2
import numpy as np
import pytest

from cemnet_jax.evaluate.understanding import memory, memory_charts
from cemnet_jax.topology import EMOTIONS

HAPPY, SAD, ANGRY = (EMOTIONS.index(e) for e in ('happy', 'sad', 'angry'))


def one_hot(slot, frames=3, slots=8):
  return np.repeat(np.eye(slots, dtype=np.float32)[[slot]], frames, 0)


@pytest.fixture
def usage():
  # (references, speech): two cases of (happy, sad) on slots 5 and 2, one of (angry, sad) and of
  # (happy, angry) on 5, and one of (angry, angry) that uses all slots alike.
  weights = [one_hot(5), one_hot(2, frames=7), one_hot(5), one_hot(5),
             np.full((4, 8), 1 / 8, np.float32)]
  return memory.collect(weights, [HAPPY, HAPPY, ANGRY, HAPPY, ANGRY],
                        [SAD, SAD, SAD, ANGRY, ANGRY])


def test_numbers_of_a_hand_made_memory(usage):
  got = memory.summary(usage)
  mean = np.full(8, 1 / 40)
  mean[5] += 3 / 5
  mean[2] += 1 / 5
  entropy = -np.sum(mean * np.log(mean))
  assert got['cases'] == 5 and got['slots'] == 8
  np.testing.assert_allclose(
    [got['entropy_nats'], got['entropy_share'], got['mean_peak'], got['frame_entropy_nats'],
     got['information_nats']],
    [entropy, entropy / np.log(8), (4 + 1 / 8) / 5, np.log(8) / 5, entropy - np.log(8) / 5],
    rtol=1e-5)
  assert got['slots_90'] == 4  # .625 + .225 + .025 + .025 = .9
  assert [(p['reference'], p['speech'], p['cases']) for p in got['pairs']] == [
    ('angry', 'angry', 1), ('happy', 'angry', 1), ('angry', 'sad', 1), ('happy', 'sad', 2)]
  assert got['pairs'][3]['top'][:2] == [[2, .5], [5, .5]]
  assert got['pairs'][1]['top'][0] == [5, 1.]


def test_similarity_is_the_cosine(usage):
  pairs = memory.by_pair(usage)
  np.testing.assert_allclose(pairs.weights.sum(1), 1, rtol=1e-6)
  even, one, half = 1 / np.sqrt(8), 1., 1 / np.sqrt(2)  # against slot 5 alone
  both = 2 / np.sqrt(2 * 8)  # (angry, angry) against (happy, sad)
  want = [[1, even, even, both], [even, 1, one, half], [even, one, 1, half], [both, half, half, 1]]
  np.testing.assert_allclose(memory.similarity(pairs), want, rtol=1e-5)
  shared = memory.summary(usage)['similarity']
  np.testing.assert_allclose([shared[k] for k in ('same_speech', 'same_reference', 'neither')],
                             [(even + half) / 2, (even + half) / 2, (one + both) / 2], rtol=1e-5)


@pytest.mark.parametrize('weights, share, want', [
  (np.full(10, .1), .9, 9), (np.full(10, .1), 1., 10), ([.5, .1, .4], .5, 1),
  ([.5, .1, .4], .51, 2), ([1., 0, 0], .99, 1)])
def test_slots_that_carry_a_share(weights, share, want):
  assert memory.carrying(np.asarray(weights), share) == want


def test_one_pair_alone_has_nothing_to_share():
  one = memory.collect([one_hot(0)], [SAD], [HAPPY])
  assert set(memory.summary(one)['similarity'].values()) == {None}


def test_slots_stand_beside_the_pairs_that_read_them(usage):
  order = memory_charts.slot_order(memory.by_pair(usage))
  # (angry, angry) reads all but 2 and 5 most; (happy, angry) reads 5 most, (happy, sad) 2.
  assert order[-2:].tolist() == [5, 2] and set(order) == set(range(8))


@pytest.mark.parametrize('draw', ['draw_slots', 'draw_pairs', 'draw_similarity', 'draw_top'])
def test_pictures_are_the_same_each_time(usage, tmp_path, draw):
  what = usage if draw == 'draw_slots' else memory.by_pair(usage)
  for name in 'ab':
    getattr(memory_charts, draw)(what, tmp_path / f'{name}.png')
  data = (tmp_path / 'a.png').read_bytes()
  assert data == (tmp_path / 'b.png').read_bytes()
  assert cv2.imread(str(tmp_path / 'a.png')).std() > 10
