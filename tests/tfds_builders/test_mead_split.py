"""Who trains and who tests: MEAD's 40 / 8, tiny trees, and a file that decides."""

import json
from collections import Counter

import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS
from tfds_builders.mead.split import TEST_ACTORS, assign_splits
from tfds_builders.media.entry import Entry


def clips(actors, cells=8, takes=1, views=('front',)):
  return [Entry(f'{a}/video/{view}/{e}/level_1/{n:03d}.mp4', a, e, 1)
          for a in actors for view in views for e in EMOTIONS[:cells] for n in range(takes)]


def by_split(entries):
  found = {'train': set(), 'val': set(), 'test': set()}
  for entry in entries:
    found[entry.split].add(entry.speaker)
  return found


ACTORS = [*TEST_ACTORS, *(f'M1{n:02d}' for n in range(44))]


def test_forty_and_eight():
  entries = assign_splits(clips(ACTORS))
  found = by_split(entries)
  assert Counter({s: len(a) for s, a in found.items()}) == {'train': 36, 'val': 4, 'test': 8}
  assert found['test'] >= set(TEST_ACTORS)
  assert not found['train'] & found['val'] and not found['test'] & (found['val'] | found['train'])
  assert [e.file for e in entries] == [e.file for e in clips(ACTORS)]
  assert by_split(assign_splits(clips(ACTORS[::-1]))) == found


def test_incomplete_actors_train():
  complete = ACTORS[-8:]
  found = by_split(assign_splits(clips(complete) + clips(ACTORS[:-8], cells=5)))
  assert found['test'] == {*TEST_ACTORS, *(found['test'] & set(complete))}
  assert found['test'] | found['val'] == {*TEST_ACTORS, *complete}


@pytest.mark.parametrize('actors,sizes', [
  ('abc', (1, 1, 1)), ('abcdefghi', (6, 1, 2)), (TEST_ACTORS[:3], (1, 1, 1)),
  ([*TEST_ACTORS, 'a', 'b', 'c'], (2, 1, 4))])
def test_small_trees(actors, sizes):
  found = by_split(assign_splits(clips(actors)))
  assert tuple(len(found[s]) for s in ('train', 'val', 'test')) == sizes


def test_two_actors_need_a_file():
  with pytest.raises(UserError, match='only 2 actors .a, b. .* split file'):
    assign_splits(clips('ab'))


@pytest.mark.parametrize('text', [
  json.dumps({'test': ['W009'], 'val': ['b']}),
  '# mine\nW009 test\n\nb  val # the second\na train'])
def test_a_file_decides(tmp_path, text):
  (tmp_path / 'split').write_text(text)
  found = by_split(assign_splits(clips(['a', 'b', 'c', 'W009', 'M003']), tmp_path / 'split'))
  assert found == {'train': {'a', 'c', 'M003'}, 'val': {'b'}, 'test': {'W009'}}


def test_without_val_actors_takes_are_held_out(tmp_path):
  (tmp_path / 'split').write_text('{"test": ["W009"]}')
  entries = assign_splits(clips(['M003', 'M030', 'W009'], takes=2, views=('front', 'top')),
                          tmp_path / 'split')
  found = by_split(entries)
  assert found['test'] == {'W009'} and found['val'] <= found['train'] == {'M003', 'M030'}
  split_of = {}
  for e in entries:
    split_of.setdefault(e.file.replace('/top/', '/front/'), set()).add(e.split)
  assert all(len(splits) == 1 for splits in split_of.values()), 'all views in one split'
  assert sum('val' in splits for splits in split_of.values()) == 3  # a tenth of 2 x 8 x 2


@pytest.mark.parametrize('text,message', [
  ('x test', "actor 'x'"), ('a dev', "split 'dev'"), ('a test\na val', 'for test and for val'),
  ('{"test": ["a"], "val": ["a"]}', 'for test and for val'), ('{"test": "a"}', 'expected'),
  ('{"test": [1]}', 'expected'), ('{"test"', 'is no JSON'), ('a', 'line 1'), ('a b c', 'line 1'),
  ('a val', 'no actor is left for test'), ('', 'no actor is left for test'),
  ('a test\nb test\nc test', 'no actor is left for train')])
def test_bad_files(tmp_path, text, message):
  (tmp_path / 'split').write_text(text)
  with pytest.raises(UserError, match=message) as caught:
    assign_splits(clips('abc'), tmp_path / 'split')
  assert '\n' not in str(caught.value)


def test_missing_file(tmp_path):
  with pytest.raises(UserError, match='cannot be read'):
    assign_splits(clips('abc'), tmp_path / 'split')


def test_one_clip_cannot_be_train_and_val(tmp_path):
  (tmp_path / 'split').write_text('b test')
  with pytest.raises(UserError, match='name an actor for val'):
    assign_splits(clips('ab', cells=1), tmp_path / 'split')
