"""Rows of pairs from a table: a small grid with a hole."""

from collections import Counter

import numpy as np
import pytest

from cemnet_jax.preprocess.alignment import dtw_path
from cemnet_jax.preprocess.audio import mfcc_track
from cemnet_jax.preprocess.pairing import (
  AEE_ROWS_PER_CLIP,
  aee_rows,
  alignment_paths,
  cross_emotion_rows,
)
from cemnet_jax.topology import EMOTIONS, NEUTRAL, UNKNOWN


def make_table(speakers=3, sentences=('a', 'b', 'c'), missing=(), intensities=(0,)):
  cells = [(s, e, c, i) for s in range(speakers) for e in range(len(EMOTIONS)) for c in sentences
           for i in intensities if (s, e, c) not in missing]
  speaker, emotion, sentence, intensity = (np.array(x) for x in zip(*cells, strict=True))
  return {'speaker_index': speaker, 'speaker': np.array([f'p{s}' for s in speaker]),
          'emotion': emotion, 'sentence': sentence, 'intensity': intensity,
          'num_frames': 20 + 3 * speaker + emotion}


def fake_align(groups):
  return {i: np.array([[canonical, i]], np.int16) for canonical, members in groups.items()
          for i in members}


def rows_of(table, clips=None, train_speakers=3):
  return list(aee_rows(table, clips or range(len(table['emotion'])), train_speakers, fake_align))


def test_aee_rows_are_full_factorials():
  table = make_table()
  rows = rows_of(table)
  assert len(rows) == AEE_ROWS_PER_CLIP * len(table['emotion'])
  firsts = Counter(int(row['clips'][0, 0, 0]) for row in rows)
  assert set(firsts.values()) == {AEE_ROWS_PER_CLIP}  # every clip is used alike
  for row in rows:
    clips = row['clips']
    for axis, column in enumerate(('emotion', 'speaker_index', 'sentence')):
      values = np.moveaxis(table[column][clips], axis, 0).reshape(2, 4)
      assert all(len(set(v)) == 1 for v in values) and values[0, 0] != values[1, 0]
    paths = row['paths'].reshape(2, 2, 2, 2)
    np.testing.assert_array_equal(paths[..., 1], clips)
    np.testing.assert_array_equal(paths[..., 0], np.broadcast_to(row['canonical'], (2, 2, 2)))
    np.testing.assert_array_equal(row['path_lengths'], np.ones(8))


def test_clips_of_unknown_emotion_are_in_no_row():
  table = make_table()
  unknown = np.arange(len(table['emotion'])) % 5 == 0
  table['emotion'][unknown] = UNKNOWN
  eight = np.array([row['clips'] for row in rows_of(table)])
  assert not unknown[eight[eight >= 0]].any()
  assert set(eight[:, 0, 0, 0]) == set(np.flatnonzero(~unknown))
  clips = range(len(unknown))
  rows = [(row['driving'], row['reference'])
          for row in cross_emotion_rows(table, clips, clips)]
  assert not unknown[np.array(rows)].any()
  assert {driving for driving, _ in rows} == set(np.flatnonzero(~unknown))


def test_an_emotion_of_a_row_has_one_intensity():
  table = make_table(speakers=2, intensities=(1, 2, 3))
  levels = np.array([table['intensity'][row['clips']] for row in rows_of(table, train_speakers=2)])
  np.testing.assert_array_equal(levels, np.broadcast_to(levels[..., :1, :1], levels.shape))
  assert set(map(tuple, levels[:, :, 0, 0])) == {(a, b) for a in (1, 2, 3) for b in (1, 2, 3)}


def test_another_intensity_before_a_missing_clip():
  table = make_table(speakers=2, intensities=(1, 2))
  only = (table['speaker_index'] == 0) | (table['intensity'] == 2)  # speaker 1 never shows 1
  rows = rows_of({name: column[only] for name, column in table.items()}, train_speakers=2)
  assert rows and all((row['clips'] >= 0).all() for row in rows)


def test_canonical_is_a_neutral_training_clip_of_median_length():
  table = make_table(speakers=4)
  for row in rows_of(table):
    for k, canonical in enumerate(row['canonical']):
      assert table['emotion'][canonical] == NEUTRAL
      assert table['sentence'][canonical] == table['sentence'][row['clips'][0, 0, k]]
      assert table['speaker_index'][canonical] == 1  # lengths of training speakers 0, 1, 2 rise


def test_a_missing_clip_is_marked():
  table = make_table(speakers=2, sentences=('a', 'b'), missing={(0, 4, 'a')})
  rows = rows_of(table, train_speakers=2)
  holes = [row for row in rows if (row['clips'] < 0).any()]
  for row in rows:
    assert (row['clips'][[0, 1], [0, 1], [0, 1]] >= 0).all()
    np.testing.assert_array_equal(row['path_lengths'], (row['clips'] >= 0).reshape(-1))
  assert len(holes) < len(rows) / 4  # complete rows are preferred
  only = make_table(speakers=2, sentences=('a', 'b'))
  keep = [i for i in range(len(only['emotion'])) if only['emotion'][i] in (0, 1)
          and (only['speaker_index'][i], only['emotion'][i], only['sentence'][i]) != (0, 1, 'a')]
  small = {name: column[keep] for name, column in only.items()}
  found = rows_of(small, train_speakers=2)
  assert found and all((row['clips'] < 0).sum() == 1 for row in found)


@pytest.mark.parametrize('table', [make_table(speakers=1), make_table(sentences=('a',))])
def test_no_rows_without_two_of_everything(table):
  assert rows_of(table) == []


def test_rows_repeat():
  first, again = rows_of(make_table()), rows_of(make_table())
  assert all((a['clips'] == b['clips']).all() for a, b in zip(first, again, strict=True))


def test_alignment_paths():
  rng = np.random.default_rng(0)
  clips = [rng.integers(-999, 999, n * 640).astype(np.int16) for n in (8, 6, 9)]
  paths = alignment_paths((clips[0], clips[1:]))
  for pcm, path in zip(clips[1:], paths, strict=True):
    np.testing.assert_array_equal(path, dtw_path(mfcc_track(clips[0]), mfcc_track(pcm)))
    assert path.dtype == np.int16


def test_cross_emotion_rows():
  table = make_table(speakers=2)
  everyone = range(len(table['emotion']))
  rows = list(cross_emotion_rows(table, everyone, everyone))
  assert len(rows) == 8 * len(everyone)
  assert Counter(row['driving'] for row in rows) == dict.fromkeys(everyone, 8)
  for row in rows:
    a, b = row['driving'], row['reference']
    assert table['speaker'][a] == table['speaker'][b]
    assert table['sentence'][a] != table['sentence'][b]
    assert table['emotion'][a] == row['driving_emotion']
    assert table['emotion'][b] == row['reference_emotion']


def test_cross_emotion_without_another_sentence():
  table = make_table(speakers=1, sentences=('a',))
  rows = list(cross_emotion_rows(table, range(8), range(8)))
  assert all(row['driving'] != row['reference'] for row in rows)
  assert len(rows) == 8 * 7  # no reference of the clip's own emotion but the clip itself


def test_references_of_held_out_sentences_come_from_training():
  table = make_table(speakers=2)
  held_out = [i for i in range(len(table['emotion'])) if table['sentence'][i] == 'c']
  order = [i for i in range(len(table['emotion'])) if i not in held_out] + held_out
  table = {name: column[order] for name, column in table.items()}
  split = len(order) - len(held_out)
  rows = list(cross_emotion_rows(table, range(split, len(order)), range(split)))
  assert len(rows) == 8 * len(held_out) and all(row['reference'] < split for row in rows)
