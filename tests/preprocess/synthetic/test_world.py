"""Who says what in each world."""

from collections import Counter

import pytest

from cemnet_jax.preprocess.synthetic.world import FIRST_LRS_SPEAKER, SPLITS, WORLDS
from cemnet_jax.topology import EMOTIONS


@pytest.mark.parametrize('name', WORLDS)
def test_splits_share_neither_speakers_nor_held_out_sentences(name):
  world = WORLDS[name]
  keys = {split: world.keys(split) for split in SPLITS}
  everyone = [key for split in SPLITS for key in keys[split]]
  assert len(set(everyone)) == len(everyone)
  speakers = {split: {k.speaker for k in keys[split]} for split in SPLITS}
  assert [len(speakers[s]) for s in SPLITS[:3]] == list(world.speakers)
  assert not speakers['train'] & (speakers['val'] | speakers['test'])
  assert not speakers['val'] & speakers['test']
  assert speakers['test_sentence'] <= speakers['train']
  held_out = {k.sentence for k in keys['test_sentence']}
  assert not held_out & {k.sentence for s in SPLITS[:3] for k in keys[s]}
  indices = world.speaker_indices()
  assert sorted(indices.values()) == list(range(len(indices)))
  assert {indices[s] for s in speakers['train']} == set(range(world.speakers[0]))


@pytest.mark.parametrize('name', [n for n, w in WORLDS.items() if w.kind == 'mead'])
def test_mead_is_a_full_grid(name):
  world = WORLDS[name]
  for split in SPLITS:
    keys = world.keys(split)
    cells = Counter((k.speaker, k.sentence) for k in keys)
    per_cell = 1 + len(world.levels) * (len(EMOTIONS) - 1)
    assert set(cells.values()) == {per_cell}
    assert {k.intensity for k in keys if k.emotion == 'neutral'} == {1}


def test_lrs_is_another_world():
  for name, world in WORLDS.items():
    ids = {s for group in world.speaker_ids().values() for s in group}
    assert all((s >= FIRST_LRS_SPEAKER) == (world.kind == 'lrs') for s in ids), name
  keys = [k for split in SPLITS for k in WORLDS['lrs_full'].keys(split)]
  assert len({k.sentence for k in keys}) == len(keys)
  shares = Counter(k.emotion for k in keys)
  assert shares.most_common(1)[0][0] == 'neutral' and set(shares) == set(EMOTIONS)
  assert {k.intensity for k in keys} == {1, 2}


def test_full_is_the_size_of_mead():
  world = WORLDS['mead_full']
  assert sum(world.speakers) == 48 and world.speakers[2] == 8
  assert world.sentences[0] >= 30 and world.levels == (1, 2, 3)
  assert len(world.keys('train')) == 36 * 22 * 30


def test_words():
  world = WORLDS['lrs_quickstart']
  key = world.keys('train')[0]
  text, phones = world.words(key)
  assert world.words(key) == (text, phones) and text and phones
  mead = WORLDS['mead_debug']
  assert {mead.words(k)[0] for k in mead.keys('train')} == {
    mead.words(k)[0] for k in mead.keys('val')}
