"""`dataset[step]`: order, determinism, processes, padding and loading ahead."""

import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from cemnet_jax.data.pipeline import iterate, open_clips
from cemnet_jax.data.schema import SPEC
from cemnet_jax.errors import UserError
from tests.data.helpers import batches, config

ONE_CLIP_KINDS = ('mouth', 'voice', 'face', 'render', 'sync', 'lip_sync', 'talk')


def assert_equal(a, b):
  assert a.keys() == b.keys()
  for key in a:
    np.testing.assert_array_equal(a[key], b[key], key)


@pytest.mark.parametrize('kind', SPEC)
def test_no_test_speaker_in_any_training_batch(debug_data, kind):
  cfg = config(kind)
  clips = open_clips(str(debug_data), cfg.dataset)[0]
  table, training = clips.table, set(clips.ranges['train'])
  unseen = {s: set(table['speaker'][list(clips.ranges[s])]) for s in ('val', 'test')}
  data = batches(cfg, debug_data)
  seen = set()
  for step in range(30):
    batch = data[step]
    assert batch['mask'].all()  # so no statistic of a training batch sees a row that is padding
    seen |= set(batch['clip'].flat) | set(batch.get('ref_clip', np.array([], int)).flat)
    assert batch['speaker'].max() < clips.num_train_speakers
  assert seen <= training
  speakers = set(table['speaker'][list(seen)])
  assert speakers == set(table['speaker'][list(training)])
  assert not speakers & (unseen['val'] | unseen['test'])


@pytest.mark.parametrize('kind', SPEC)
def test_a_batch_is_a_function_of_seed_and_step(debug_data, kind):
  cfg = config(kind)
  first, again, other = (batches(cfg, debug_data, seed=s) for s in (3, 3, 4))
  for step in (9, 0, 4):  # random access, in any order
    assert_equal(first[step], again[step])
  assert any((first[0][key] != other[0][key]).any() for key in first[0])


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('count', [2, 4])
def test_processes_share_the_same_global_batches(debug_data, count, train):
  cfg = config('mouth')
  whole = batches(cfg, debug_data, train=train)
  parts = [batches(cfg, debug_data, train=train, process_index=p, process_count=count)
           for p in range(count)]
  assert {len(p) for p in parts} == {len(whole)} or train
  for step in (0, 3, 5):
    pieces = [part[step] for part in parts]
    assert_equal(whole[step], {k: np.concatenate([p[k] for p in pieces]) for k in pieces[0]})


@pytest.mark.parametrize('kind', ONE_CLIP_KINDS)
def test_an_epoch_covers_each_clip_once(debug_data, kind):
  data = batches(config(kind), debug_data)
  orders = [[int(c) for step in range(6 * e, 6 * e + 6) for c in data[step]['clip']]
            for e in range(3)]  # 48 clips, 8 a batch
  assert all(sorted(order) == list(range(48)) for order in orders)
  assert orders[0] != orders[1] != orders[2] and orders[0] != sorted(orders[0])


def test_windows_change_between_epochs(debug_data):
  data = batches(config('mouth'), debug_data)
  where = [{int(c): data[s]['content'][b, 0] for s in range(6 * e, 6 * e + 6)
            for b, c in enumerate(data[s]['clip'])} for e in range(2)]
  moved = sum((where[0][c] != where[1][c]).any() for c in where[0])
  assert moved > 30


@pytest.mark.parametrize('kind', SPEC)
def test_evaluation_is_finite_and_padded(debug_data, kind):
  cfg = config(kind)
  data = batches(cfg, debug_data, 'val', batch_size=24, train=False)
  masks = np.concatenate([data[i]['mask'] for i in range(len(data))])
  rows = masks if masks.ndim == 1 else masks.max(axis=(1, 2, 3))
  rows = rows.astype(bool)
  count = {'speech': 6, 'aee': 64, 'cross': 256}.get(kind, 32)
  assert rows.sum() == count and rows[:count].all()
  assert len(data) == -(-count // 24)
  again = batches(cfg, debug_data, 'val', batch_size=24, train=False)
  assert_equal(data[len(data) - 1], again[len(data) - 1])
  if kind in ONE_CLIP_KINDS:
    indices = np.concatenate([data[i]['clip'] for i in range(len(data))])[rows]
    assert sorted(indices) == list(range(48, 80))


@pytest.mark.parametrize('kind', SPEC)
def test_the_first_evaluation_batch_is_of_all_speakers(debug_data, kind):
  """Records stand in the order of speakers, and few batches are evaluated."""
  cfg = config(kind)
  table = open_clips(str(debug_data), cfg.dataset)[0].table
  batch = batches(cfg, debug_data, batch_size=6, train=False)[0]
  speakers = Counter(table['speaker'][batch['clip'][batch['clip'] >= 0]])
  assert len(speakers) == 3 and max(speakers.values()) <= 3 * min(speakers.values())


def test_held_out_sentences_are_not_trained_on(debug_data):
  cfg = config('voice', held_out=0.1)
  table = open_clips(str(debug_data), cfg.dataset)[0].table

  def clips(split, steps, **kwargs):
    data = batches(cfg, debug_data, split, **kwargs)
    found = [data[i] for i in range(steps or len(data))]
    return {int(c) for b in found for c in b['clip'][b['mask'] > 0]}

  trained, held = clips('train', 12), clips('held_out', 0, train=False)
  assert len(trained) == len(held) == 24, 'one of two sentences, three speakers, eight emotions'
  assert not set(table['sentence'][list(trained)]) & set(table['sentence'][list(held)])
  assert set(table['speaker'][list(trained)]) == set(table['speaker'][list(held)])
  assert held == clips('held_out', 0, train=False, seed=8)
  reported = clips('test_sentence', 0, train=False)
  assert reported and not held & reported


def test_loading_ahead_keeps_the_stream(debug_data):
  data = batches(config('mouth'), debug_data)
  for got, step in zip(iterate(data, 3, 0), range(3, 7)):
    assert_equal(got, data[step])


def test_loader_processes_keep_the_stream(debug_data):
  data = batches(config('face'), debug_data)
  stream = iterate(data, 2, 2)
  for step in range(2, 6):
    assert_equal(next(stream), data[step])
  stream.close()


def test_finite_data_ends(debug_data):
  data = batches(config('mouth'), debug_data, 'val', train=False)
  assert len(list(iterate(data, 0, 0))) == len(data) == 4


def test_anything_with_items_can_be_iterated():
  class Endless:
    def __getitem__(self, step):
      return step * 2

  assert list(itertools.islice(iterate(Endless(), 5, 0), 3)) == [10, 12, 14]


def test_an_error_while_loading_reaches_the_caller():
  class Broken:
    def __getitem__(self, step):
      if step == 2:
        raise UserError('clip 7 is broken')
      return step

  stream = iterate(Broken(), 0, 0)
  assert [next(stream), next(stream)] == [0, 1]
  with pytest.raises(UserError, match='clip 7'):
    next(stream)


@pytest.mark.parametrize('cfg, arguments, message', [
  (dict(kind='video'), {}, "data.kind='video' is unknown: choose from mouth"),
  (dict(kind='mouth'), dict(batch_size=6, process_count=4), 'not divisible by 4 processes'),
  (dict(kind='mouth'), dict(split='tset'), "split 'tset' is unknown"),
  (dict(kind='render', lines='dashed'), {}, "data.lines 'dashed': choose from smooth, filled"),
  (dict(kind='cross', held_out=0.1), {}, 'data.held_out=0.1: examples of kind .cross. are made'),
  (dict(kind='voice'), dict(split='held_out'), "split 'held_out' is unknown"),
  (dict(kind='mouth', T=500), {}, "no clip for 'mouth' batches"),
  (dict(kind='sync', moments=500), {}, "no clip for 'sync' batches"),
  (dict(kind='aee'), dict(split='test'), "no clip for 'aee' batches"),
  (dict(kind='mouth', dataset='synth_mead/mead_full'), {}, 'cemnet prepare synth --size full')])
def test_bad_input_is_one_clear_line(debug_data, cfg, arguments, message):
  with pytest.raises(UserError, match=message) as caught:
    batches(config(**cfg), debug_data, **arguments)
  assert '\n' not in str(caught.value)


def test_reading_imports_no_tensorflow(debug_data):
  code = f'''
import sys
from tests.data.helpers import batches, config
batches(config('cross'), {str(debug_data)!r})[0]
print([m for m in ('tensorflow', 'torch', 'mediapipe', 'librosa') if m in sys.modules])
'''
  done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
  assert done.stdout.strip() == '[]'
