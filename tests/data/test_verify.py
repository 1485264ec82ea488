"""A whole dataset re-read: a sound one passes, and damage to files, splits or pins is told."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from cemnet_jax.data.digest import record_digest
from cemnet_jax.data.folders import SPLITS, dataset_path, load_records
from cemnet_jax.data.source import INDEX, Clips
from cemnet_jax.data.verify import Place, dataset_problems, scan, verify_clips
from cemnet_jax.errors import UserError
from tests.data.helpers import flip_middle

MEAD = 'synth_mead/mead_debug'


@pytest.fixture
def copied(debug_data, tmp_path):
  """A data folder to damage: the clips and their pairs."""
  for folder in (MEAD, 'pairs'):
    shutil.copytree(debug_data / folder, tmp_path / folder)
  return tmp_path


def file_of(data, split):
  (file,) = dataset_path(data, MEAD).glob(f'*-{split}.array_record*')
  return file


def test_a_sound_dataset(debug_data):
  report = verify_clips(debug_data, MEAD)
  assert report.size == '120 clips, 0.03 hours' and report.problems == []
  assert len(report.digest) == 64
  assert verify_clips(debug_data, MEAD, processes=2) == report
  other = verify_clips(debug_data, 'synth_mead/lrs_debug')
  assert other.problems == [] and other.digest != report.digest


def test_every_record_is_scanned_in_order(debug_data):
  clips = Clips(debug_data, MEAD)
  counts = {split: len(r) for split, r in clips.ranges.items()}
  path = dataset_path(debug_data, MEAD)
  found = list(scan(path, counts, lambda split, record: record['id'].decode(), 1))
  assert [name for _, _, name in found] == clips.table['id'].tolist()
  assert [(s, i) for s, i, _ in found] == [(s, i) for s in SPLITS for i in range(counts[s])]


def test_records_that_are_not_those_that_were_built(copied):
  file = dataset_path(copied, MEAD) / 'metadata.json'
  file.write_text(json.dumps(json.loads(file.read_text()) | {'digest': 64 * '7'}))
  pins = verify_clips(copied, MEAD).problems
  assert len(pins) == 2 and all('made for other clips than' in line for line in pins)
  for pairs in (copied / 'pairs').iterdir():
    shutil.rmtree(pairs)
  (own,) = verify_clips(copied, MEAD).problems
  assert 'not those that were built' in own


def test_no_such_dataset(tmp_path):
  with pytest.raises(UserError, match='no complete dataset'):
    verify_clips(tmp_path, MEAD)


def test_a_flipped_bit_is_found_where_it_is(copied):
  sound = verify_clips(copied, MEAD)
  broken = flip_middle(file_of(copied, 'val'))
  report = verify_clips(copied, MEAD)
  (line,) = report.problems
  assert line.startswith(f'val {broken}: cannot be read (') and report.digest != sound.digest


@pytest.mark.parametrize('damage,line', [
  (lambda file: file.unlink(), 'cannot be read (open() failed'),
  (lambda file: file.write_bytes(file.read_bytes()[:70000]), 'cannot be read ('),
  (lambda file: shutil.copy(file.with_name(file.name.replace('val', 'test')), file),
   'holds 16 records, the metadata say 32')], ids=['gone', 'cut', 'other'])
def test_damaged_files(copied, damage, line):
  file = file_of(copied, 'val')
  damage(file)
  problems = verify_clips(copied, MEAD).problems
  assert problems[0].startswith(f'{file.name}: ') and line in problems[0]
  assert sum(p.startswith('val ') and 'cannot be read' in p for p in problems) in (16, 32)


@pytest.mark.parametrize('key,value,line', [
  ('record_counts', {'train': 1}, "aee-synth_mead-mead_debug: made for {'train': 1} clips"),
  ('clips_version', '0.9.0', 'made for version 0.9.0 of synth_mead/mead_debug, which is 2.0.0')])
def test_pins(copied, key, value, line):
  edit_metadata(dataset_path(copied, 'pairs/aee-synth_mead-mead_debug'), key, value)
  (found,) = verify_clips(copied, MEAD).problems
  assert line in found


def edit_metadata(path, key, value):
  file = path / 'metadata.json'
  metadata = json.loads(file.read_text())
  if value is None:
    del metadata[key]
  else:
    metadata[key] = value
  file.write_text(json.dumps(metadata))


@pytest.mark.parametrize('key,value,line', [
  ('size', 48, '120: train 0 0000_angry_3_d01_0: crops of 32 x 32 px, expected 48 x 48'),
  ('train_speakers', None, '1: the metadata do not say train_speakers'),
  ('train_speakers', 4, '1: training speakers are not the first 4, as train_speakers in the '
   'metadata says: speaker_index 3 is not in train'),
  ('train_speakers', 2, '1: training speakers are not the first 2, as train_speakers in the '
   'metadata says: speaker_index 2 is in train'),
  ('audio_only', True, '120: train 0 0000_angry_3_d01_0: ')])
def test_records_that_disagree_with_the_metadata(copied, key, value, line):
  edit_metadata(dataset_path(copied, MEAD), key, value)
  problems = verify_clips(copied, MEAD).problems
  assert f'{len(problems)}: {problems[0]}'.startswith(line)


def test_a_stale_table_beside_the_records(copied):
  file = dataset_path(copied, MEAD) / INDEX
  Clips(copied, MEAD)
  with np.load(file) as stored:
    columns = dict(stored)
  columns['emotion'][5] = 7
  np.savez(file, **columns)
  (line,) = verify_clips(copied, MEAD).problems
  assert line == f'{file}: its emotion is not that of the records; remove the file'


@pytest.fixture
def places():
  """Three training speakers of two clips, one each in val and test, and a new sentence."""
  rows = [(s, i, n) for s, speakers in (('train', (0, 0, 1, 1, 2, 2)), ('val', (3,)),
                                        ('test', (4,)), ('test_sentence', (0, 1)))
          for i, n in enumerate(speakers)]
  return [Place(split, i, {
    'id': f'{split}{i}', 'speaker': f's{n}', 'speaker_index': n, 'size': (64, 64),
    'sentence': 'new' if split == 'test_sentence' else f'say{i % 2}'}) for split, i, n in rows]


METADATA = {'train_speakers': 3, 'size': 64, 'split_by': 'speaker'}


def test_a_sound_whole(places):
  assert dataset_problems(places, METADATA) == []
  assert dataset_problems([], {'train_speakers': 0}) == []


@pytest.mark.parametrize('at,facts,lines', [
  (7, {'id': 'train0'}, ['test 0 train0: has the id of train 0']),
  (7, {'size': (64, 48)}, ['test 0 test0: crops of 64 x 48 px, expected 64 x 64']),
  (1, {'speaker_index': 2}, ['train 1 train1: speaker s0 has speaker_index 2, elsewhere 0']),
  (1, {'speaker': 's7'}, ['train 1 train1: speaker_index 0 is of speaker s7, elsewhere of s0']),
  (7, {'speaker_index': 5}, ['speaker_index 4 is in no record (1 such)']),
  (7, {'speaker_index': -1}, ['speaker_index -1 is negative']),
  (6, {'speaker': 's9', 'speaker_index': 0},
   ['val 0 val0: speaker_index 0 is of speaker s9, elsewhere of s0',
    'speaker_index 3 is in no record (1 such)']),
  (7, {'speaker': 's3', 'speaker_index': 3}, ['test 0 test0: speaker s3 is also in val']),
  (8, {'sentence': 'say1'},
   ['test_sentence 0 test_sentence0: sentence say1 is also said in train'])])
def test_each_flaw_of_the_whole_gives_its_own_lines(places, at, facts, lines):
  places[at].facts.update(facts)
  assert dataset_problems(places, METADATA) == lines


def test_speakers_may_be_shared_where_the_metadata_say_so(places):
  places[7].facts.update(speaker='s0', speaker_index=0)
  (line,) = dataset_problems(places, METADATA)
  assert 'also in train' in line
  for kind in ('file', 'clip', 'labels'):
    assert dataset_problems(places, {**METADATA, 'split_by': kind}) == []


def test_without_a_size_in_the_metadata_the_first_record_decides(places):
  metadata = {'train_speakers': 3}
  assert dataset_problems(places, metadata) == []
  places[3].facts['size'] = (32, 32)
  (line,) = dataset_problems(places, metadata)
  assert line == 'train 3 train3: crops of 32 x 32 px, expected 64 x 64'


def test_the_digest_is_over_all_records(debug_data):
  builder = load_records(dataset_path(debug_data, MEAD))
  digest = hashlib.sha256(b''.join(
    record_digest(record) for split in SPLITS for record in builder.as_data_source(split)))
  assert verify_clips(debug_data, MEAD).digest == digest.hexdigest()
