"""Clips read back: index, splits, columns, several datasets as one."""

import pickle
import shutil

import numpy as np
import pytest

from cemnet_jax.data.folders import SPLITS, dataset_path
from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS, FPS, SAMPLES_PER_FRAME
from tests.data.helpers import flip_middle

MEAD, LRS = 'synth_mead/mead_debug', 'synth_mead/lrs_debug'


@pytest.fixture(scope='module')
def clips(debug_data):
  return Clips(debug_data, MEAD)


def test_ranges_cover_the_clips_in_order(clips):
  covered = [i for split in SPLITS for i in clips.ranges[split]]
  assert covered == list(range(len(clips)))
  assert {s: len(r) for s, r in clips.ranges.items()} == {
    'train': 48, 'val': 32, 'test': 16, 'test_sentence': 24}


def test_record(clips):
  clip = clips[5]
  frames = len(clip['frames'])
  assert clip['landmarks'].shape == clip['neutral_landmarks'].shape == (frames, 131, 2)
  assert clip['landmarks'].dtype == np.float16
  assert clip['crop_box'].shape == (frames, 4) and clip['crop_box'].dtype == np.float32
  assert clip['audio'].shape == (frames * SAMPLES_PER_FRAME,) and clip['audio'].dtype == np.int16
  assert clip['fps'] == FPS and all(f[:2] == b'\xff\xd8' for f in clip['frames'])
  assert clip['id'] == f'{clip["speaker"]}_{EMOTIONS[clip["emotion"]]}_{clip["intensity"]}_' \
                       f'{clip["sentence"]}_0'
  assert clip['transcript'] and isinstance(clip['transcript'], str)
  assert len(clip['sha256']) == 64


def test_table_agrees_with_records(clips):
  for i in (0, 47, 90, len(clips) - 1):
    clip = clips[i]
    for name in ('id', 'speaker', 'sentence', 'emotion', 'intensity', 'speaker_index'):
      assert clips.table[name][i] == clip[name], name
    assert clips.table['num_frames'][i] == len(clip['frames'])


def test_splits_share_no_speaker(clips):
  speakers = {s: set(clips.table['speaker'][list(r)]) for s, r in clips.ranges.items()}
  assert not speakers['train'] & speakers['val']
  assert not (speakers['train'] | speakers['val']) & speakers['test']
  assert speakers['test_sentence'] <= speakers['train']
  said = {s: set(clips.table['sentence'][list(r)]) for s, r in clips.ranges.items()}
  assert not said['test_sentence'] & (said['train'] | said['val'] | said['test'])
  index = clips.table['speaker_index']
  assert clips.num_train_speakers == len(speakers['train']) == 3
  assert set(index[list(clips.ranges['train'])]) == {0, 1, 2}
  assert set(index) == set(range(6))


def test_joined_datasets(debug_data, clips):
  joined, lrs = Clips(debug_data, f'{MEAD}+{LRS}'), Clips(debug_data, LRS)
  assert len(joined) == len(clips) + len(lrs)
  for split in SPLITS:
    ids = [joined[i]['id'] for i in joined.ranges[split]]
    assert ids == [c[i]['id'] for c in (clips, lrs) for i in c.ranges[split]]
    assert ids == list(joined.table['id'][list(joined.ranges[split])])
  index, speaker = joined.table['speaker_index'], joined.table['speaker']
  train = np.array(joined.ranges['train'])
  assert joined.num_train_speakers == 6 and set(index[train]) == set(range(6))
  pairs = {(int(i), str(s)) for i, s in zip(index, speaker, strict=True)}
  assert sorted(i for i, _ in pairs) == list(range(12))
  assert joined[train[-1]]['speaker_index'] == index[train[-1]]


def test_pickles_without_its_cache(clips):
  clips[0]
  data = pickle.dumps(clips)
  assert len(data) < 1000
  assert pickle.loads(data)[3]['id'] == clips[3]['id']


def test_index_is_cached_and_checked(debug_data, tmp_path):
  copy = tmp_path / MEAD / '2.0.0'
  shutil.copytree(debug_data / MEAD / '2.0.0', copy)
  (copy / 'index.npz').unlink(missing_ok=True)
  table = Clips(tmp_path, MEAD).table
  assert (copy / 'index.npz').is_file()
  with np.load(copy / 'index.npz') as stored:
    stale = dict(stored, fingerprint='of another build', num_frames=stored['num_frames'] + 1)
  np.savez(copy / 'index.npz', **stale)
  np.testing.assert_array_equal(Clips(tmp_path, MEAD).table['num_frames'], table['num_frames'])


def test_newest_version_wins(tmp_path):
  for version in ('1.0.0', '1.10.0', '1.9.0', 'incomplete.X_2.0.0'):
    (tmp_path / 'a' / version).mkdir(parents=True)
    (tmp_path / 'a' / version / 'dataset_info.json').write_text('{}')
  (tmp_path / 'a' / '3.0.0').mkdir()
  assert dataset_path(tmp_path, 'a').name == '1.10.0'


@pytest.mark.parametrize('name, hint', [
  ('synth_mead/mead_full', 'cemnet prepare synth --size full'),
  ('pairs/aee-synth_mead-mead_debug', 'cemnet prepare synth --size debug'),
  ('clip_folder/mine', 'cemnet prepare')])
def test_missing_dataset_is_one_clear_line(tmp_path, name, hint):
  with pytest.raises(UserError) as caught:
    dataset_path(tmp_path, name)
  message = str(caught.value)
  assert name in message and str(tmp_path) in message and hint in message and '\n' not in message


def test_broken_dataset_is_one_clear_line(tmp_path):
  path = tmp_path / MEAD / '2.0.0'
  path.mkdir(parents=True)
  (path / 'dataset_info.json').write_text('{')
  with pytest.raises(UserError, match='build it again') as caught:
    Clips(tmp_path, MEAD)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('indexed', [True, False])
def test_a_damaged_record_is_one_line(debug_data, tmp_path, indexed):
  shutil.copytree(debug_data / MEAD, tmp_path / MEAD)
  if indexed:
    Clips(tmp_path, MEAD)
  else:
    (dataset_path(tmp_path, MEAD) / 'index.npz').unlink(missing_ok=True)
  (file,) = dataset_path(tmp_path, MEAD).glob('*-val.array_record*')
  broken = flip_middle(file)
  with pytest.raises(UserError, match=f'record {broken} of val cannot be read .*data verify'):
    clips = Clips(tmp_path, MEAD)
    _ = [clips[i] for i in clips.ranges['val']]


def test_a_lost_file_is_one_line(debug_data, tmp_path):
  shutil.copytree(debug_data / MEAD, tmp_path / MEAD)
  (file,) = dataset_path(tmp_path, MEAD).glob('*-val.array_record*')
  file.unlink()
  (dataset_path(tmp_path, MEAD) / 'index.npz').unlink(missing_ok=True)
  with pytest.raises(UserError, match='cannot be read .*cemnet data verify'):
    Clips(tmp_path, MEAD)
