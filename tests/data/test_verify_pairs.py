"""Pairs re-read: sound ones pass, and each flaw of a row gives its own line alone."""

import copy
import json
import shutil

import numpy as np
import pytest

from cemnet_jax.data.pairs import Pairs
from cemnet_jax.data.source import Clips, dataset_path
from cemnet_jax.data.verify_pairs import (
  Labels,
  aee_problems,
  cross_emotion_problems,
  path_problem,
  verify_pairs,
)
from cemnet_jax.errors import UserError

MEAD = 'synth_mead/mead_debug'
AEE, CROSS = (f'pairs/{kind}-synth_mead-mead_debug' for kind in ('aee', 'cross_emotion'))


@pytest.fixture(scope='module')
def clips(debug_data):
  return Clips(debug_data, MEAD)


@pytest.fixture(scope='module')
def labels(clips):
  return Labels.of(clips)


@pytest.fixture
def row(debug_data, clips):
  return copy.deepcopy(Pairs(debug_data, 'aee', clips).rows['train'][0])


@pytest.fixture
def cross(debug_data, clips):
  """A row whose clips are in train, say different sentences and show different emotions."""
  rows = Pairs(debug_data, 'cross_emotion', clips).rows['train']
  return dict(next(r for r in rows if r['driving_emotion'] != r['reference_emotion']))


def test_sound_pairs(debug_data):
  for name, size in ((AEE, '160 rows'), (CROSS, '960 rows')):
    report = verify_pairs(debug_data, name)
    assert report.size == size and report.problems == [] and len(report.digest) == 64


def test_rows_over_other_clips_are_told(debug_data, tmp_path):
  shutil.copytree(debug_data / 'pairs', tmp_path / 'pairs')
  shutil.copytree(debug_data / 'synth_mead/lrs_debug', tmp_path / MEAD)
  first, second, *_ = verify_pairs(tmp_path, CROSS).problems
  assert first.startswith(f"{CROSS}: made for {{'train': 48")
  assert second.startswith('train ') and ': ' in second


@pytest.mark.parametrize('damage', [
  lambda path: (path / 'metadata.json').write_text(json.dumps({'clips': MEAD})),
  lambda path: shutil.copy(path.parents[2] / MEAD / '2.0.0/features.json', path)],
  ids=['metadata', 'features'])
def test_what_is_no_pairs_dataset(debug_data, tmp_path, damage):
  shutil.copytree(debug_data, tmp_path / 'data')
  damage(dataset_path(tmp_path / 'data', CROSS))
  with pytest.raises(UserError, match='holds no pairs that this version knows'):
    verify_pairs(tmp_path / 'data', CROSS)


def other(labels, column, clip, same=(), split='train'):
  """A clip of the split with another value in `column` and equal ones in the columns `same`."""
  for i in labels.ranges[split]:
    if (getattr(labels, column)[i] != getattr(labels, column)[clip]
        and all(getattr(labels, name)[i] == getattr(labels, name)[clip] for name in same)):
      return i
  raise AssertionError('the debug world has no such clip')


def replace(eight, labels, column):
  """One of the eight replaced by a clip that differs in one column alone."""
  rest = {'emotion', 'speaker', 'sentence'} - {column}
  eight[0, 0, 1] = other(labels, column, eight[0, 0, 1], rest)


def fit_paths(row, labels):
  """Straight paths that fit whatever clips the row names."""
  ends = [(4 * labels.lengths[row['canonical'][flat % 2]] + 23, 4 * labels.lengths[clip] + 23)
          for flat, clip in enumerate(row['clips'].flat)]
  paths = [np.array([(min(k, a), min(k, b)) for k in range(max(a, b) + 1)]) for a, b in ends]
  row['paths'] = np.concatenate(paths).astype(np.int16)
  row['path_lengths'] = np.array([len(p) for p in paths], np.int32)


def mixed(column):
  def damage(row, labels):
    replace(row['clips'], labels, column)
    fit_paths(row, labels)
  return damage


def twin(axis):
  """Both sides of an axis hold the clips of the first."""
  def damage(row, labels):
    first = np.take(row['clips'], 0, axis)
    row['clips'] = np.stack([first, first], axis)
    row['canonical'] = row['canonical'][[0, 0]] if axis == 2 else row['canonical']
    fit_paths(row, labels)
  return damage


def foreign(row, labels):
  row['clips'][0, 1, 0] = labels.ranges['val'][0]


def beyond(row, labels):
  row['canonical'][1] = 10**6


def no_first(row, labels):
  row['clips'][0, 0, 0] = -1


def wrong_canonical(row, labels):
  row['canonical'] = row['canonical'][::-1]
  fit_paths(row, labels)


def missing_with_path(row, labels):
  row['clips'][0, 0, 1] = -1


def fewer_steps(row, labels):
  row['paths'] = row['paths'][:-1]


def empty_path(row, labels):
  row['paths'] = row['paths'][row['path_lengths'][0]:]
  row['path_lengths'][0] = 0


def wrong_end(row, labels):
  row['paths'][row['path_lengths'][0] - 1] += 1


def leap(row, labels):
  row['paths'][5] = row['paths'][3]
  row['paths'][4] = row['paths'][3] - 1


@pytest.mark.parametrize('damage,line', [
  (foreign, 'clip 48 is not in train'), (beyond, 'clip 1000000 is not in train'),
  (no_first, 'the first or the last of the eight clips is missing'),
  (mixed('emotion'), 'emotion 0 is not the same in clips'),
  (mixed('speaker'), 'speaker 0 is not the same in clips'),
  (mixed('sentence'), 'sentence 1 is not the same in clips'),
  (twin(0), 'both emotions are the same'), (twin(1), 'both speakers are the same'),
  (twin(2), 'both sentences are the same'),
  (wrong_canonical, 'does not say sentence 0'),
  (missing_with_path, 'path 1 of clip -1 should be empty'),
  (fewer_steps, 'do not fit the'), (empty_path, 'path 0 of clip 0 is empty'),
  (wrong_end, 'path 0 of clip 0 leads from (0, 0) to'), (leap, 'path 0 of clip 0 has the steps')])
def test_each_flaw_of_an_aee_row(row, labels, damage, line):
  assert aee_problems(labels, 'train', row) == []
  damage(row, labels)
  found = aee_problems(labels, 'train', row)
  assert line in found[0] and len(found) == (2 if damage is wrong_canonical else 1), found


def test_a_row_with_a_missing_clip_is_sound(row, labels):
  paths = np.split(row['paths'], np.cumsum(row['path_lengths'])[:-1])
  row['paths'] = np.concatenate([p for i, p in enumerate(paths) if i != 1])
  row['clips'][0, 0, 1], row['path_lengths'][1] = -1, 0
  assert aee_problems(labels, 'train', row) == []


def put(**fields):
  return lambda row, labels: fields


@pytest.mark.parametrize('change,line', [
  (put(driving=48), 'driving clip 48 is not in train'),
  (put(reference=-1), 'reference clip -1 is not in train'),
  (put(driving_emotion=9), 'driving_emotion is 9, that of clip'),
  (put(reference_emotion=9), 'reference_emotion is 9, that of clip'),
  (lambda row, labels: {
    'reference': other(labels, 'speaker', row['reference'], ('emotion', 'sentence'))},
   'are of different speakers'),
  (lambda row, labels: {
    'reference': other(labels, 'sentence', row['reference'], ('emotion', 'speaker'))},
   'say the same, though there are references')])
def test_each_flaw_of_a_cross_emotion_row(cross, labels, change, line):
  assert cross_emotion_problems(labels, 'train', cross) == []
  (found,) = cross_emotion_problems(labels, 'train', cross | change(cross, labels))
  assert line in found


def test_a_clip_is_not_its_own_reference(cross, labels):
  cross.update(reference=cross['driving'], reference_emotion=cross['driving_emotion'])
  found = cross_emotion_problems(labels, 'train', cross)
  assert f'clip {cross["driving"]} is its own reference' in found


def test_references_of_new_sentences_come_from_train(debug_data, clips, labels):
  row = dict(Pairs(debug_data, 'cross_emotion', clips).rows['test_sentence'][0])
  assert cross_emotion_problems(labels, 'test_sentence', row) == []
  row['reference'] = row['driving']
  (line,) = cross_emotion_problems(labels, 'test_sentence', row)
  assert line.endswith('is not in train')


def test_the_same_sentence_is_right_where_there_is_no_other(labels, cross):
  alone = labels._replace(sentence=np.zeros_like(labels.sentence))
  assert cross_emotion_problems(alone, 'train', cross) == []


@pytest.mark.parametrize('path,wrong', [
  ([(0, 0), (1, 1), (1, 2), (2, 2)], ''),
  ([(0, 0), (2, 2)], 'has the steps [(2, 2)]'),
  ([(0, 0), (1, 1), (0, 1), (1, 2), (2, 2)], 'has the steps [(-1, 0)]'),
  ([(0, 0), (1, 1), (1, 1), (2, 2)], 'has the steps [(0, 0)]'),
  ([(0, 1), (1, 1), (2, 2)], 'leads from (0, 1) to (2, 2), not from (0, 0) to (2, 2)'),
  ([(0, 0), (1, 1)], 'leads from (0, 0) to (1, 1), not from (0, 0) to (2, 2)'),
  (np.zeros((0, 2)), 'is empty')])
def test_paths(path, wrong):
  assert path_problem(np.array(path, np.int16), 3, 3) == wrong
