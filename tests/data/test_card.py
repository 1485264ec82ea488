"""The card of a dataset: counts agree with the records, in every form of the tables."""

import csv
import shutil

import numpy as np
import pytest

from cemnet_jax.data import card
from cemnet_jax.data.card import Columns, Table, dataset_card, to_markdown
from cemnet_jax.data.source import Clips
from cemnet_jax.topology import EMOTIONS

MEAD = 'synth_mead/mead_debug'


@pytest.fixture(scope='module')
def clips(debug_data):
  return Clips(debug_data, MEAD)


@pytest.fixture(scope='module')
def tables(clips):
  return {table.title: table for table in dataset_card(clips)}


def test_facts(tables, clips):
  facts = dict(tables['Dataset'].rows)
  frames = int(clips.table['num_frames'].sum())
  assert facts['name'] == MEAD and facts['version'] == '2.0.0'
  assert facts['release note'].startswith('Faces as varied as real ones')
  assert facts['description'].startswith('Procedural')
  assert facts['clips'] == f'120, {frames / 25 / 3600:.3f} hours'
  assert facts['frames'] == f'{frames}, crops of 32 x 32 px'
  assert facts['sentences'] == '3, of which 3 are said with several emotions'
  assert facts['transcripts'] == 'of 120 clips'
  assert facts['intensity unknown'] == 'in 0 clips (intensity 0)'
  assert facts['disk'].endswith(' files') and float(facts['disk'].split()[0]) > 1


def test_splits(tables):
  rows = [(r[0], *r[1:2], *r[3:]) for r in tables['Splits'].rows]
  assert rows == [('train', '48', '3', '2'), ('val', '32', '2', '2'), ('test', '16', '1', '2'),
                  ('test_sentence', '24', '3', '1')]


def test_speakers(tables):
  table = tables['Clips by emotion']
  assert table.columns == ('speaker', 'split', 'clips', 'hours', *EMOTIONS)
  assert len(table.rows) == 6
  assert [(*r[:3], *r[4:]) for r in (table.rows[0], table.rows[-1])] == [
    ('0000', 'train+test_sentence', '24', *['3'] * 8), ('0004', 'test', '16', *['2'] * 8)]


def test_metadata_and_pairs(tables):
  metadata = dict(tables['Metadata of the builder'].rows)
  assert metadata['train_speakers'] == '3' and metadata['speakers'] == '0, 3, 5, 1, 2, 4'
  assert len(metadata['world']) == card.MAX_TEXT and metadata['world'].endswith('...')
  assert tables['Pairs over these clips'].rows[0] == (
    'pairs/aee-synth_mead-mead_debug', '1.2.0', '96 train, 64 val', '2.0.0')
  assert 'Files in report.csv' not in tables


def test_only_one_picture_is_decoded(clips, monkeypatch):
  decoded = []
  decode = card.decode_jpeg
  monkeypatch.setattr(card, 'decode_jpeg', lambda data: decoded.append(data) or decode(data))
  dataset_card(clips)
  assert len(decoded) == 1


@pytest.fixture
def columns():
  """Two speakers; anger at three levels, one neutral clip, one of unknown intensity."""
  speaker = np.array(['a', 'a', 'a', 'b', 'b', 'b'])
  return Columns(
    split=np.array(['train'] * 3 + ['val'] * 3), speaker=speaker,
    sentence=np.array(list('xyxzzz')), transcript=np.array([''] * 6),
    emotion=np.array([0, 0, 0, 0, 5, 5]), level=np.array([1, 3, 3, 2, 0, 0]), hours=np.full(6, .5))


def test_levels_have_counts_of_their_own(columns):
  table = card._speaker_table(columns)
  assert table.title.endswith('at each level of intensity')
  assert table.columns[4:] == ('angry 1/2/3', 'neutral')
  assert table.rows == [('a', 'train', '3', '1.500', '1/0/2', '0'),
                        ('b', 'val', '3', '1.500', '0/1/0', '2')]


def test_many_speakers_become_a_row_for_each_split(columns, monkeypatch):
  monkeypatch.setattr(card, 'MAX_SPEAKERS', 1)
  table = card._speaker_table(columns)
  assert table.columns[:4] == ('split', 'speakers', 'clips', 'hours')
  assert table.rows == [('train', '1', '3', '1.500', '1/0/2', '0'),
                        ('val', '1', '3', '1.500', '0/1/0', '2')]


def test_reasons_to_skip_files(debug_data, tmp_path):
  shutil.copytree(debug_data / MEAD, tmp_path / MEAD)
  with (tmp_path / MEAD / 'report.csv').open('w', newline='') as out:
    csv.writer(out).writerows([
      ('file', 'clips', 'seconds', 'reason'), ('good.mp4', 2, 3.0, ''),
      *((f'{i}.mp4', 0, 1.0, f'the face is only {i}.5 px wide, under 40') for i in range(4)),
      ('part.mp4', 1, 5.0, '7 frames without a steady face')])
  tables = {table.title: table for table in dataset_card(Clips(tmp_path, MEAD))}
  assert tables['Files in report.csv'].rows == [
    ('skipped', 'the face is only N px wide, under N', '4', '0.mp4, 1.mp4, 2.mp4, ...'),
    ('used in part', 'N frames without a steady face', '1', 'part.mp4')]


def test_clips_of_sound_alone_have_their_length(clips, monkeypatch):
  frames = clips.table['num_frames']
  silent = {**clips.table, 'num_frames': np.where(np.arange(len(frames)) < 2, 0, frames)}
  monkeypatch.setattr(clips, 'table', silent)
  assert clips.lengths().tolist() == frames.tolist()
  monkeypatch.setattr(clips, 'table', {**silent, 'num_frames': np.zeros_like(frames)})
  facts = dict({table.title: table for table in dataset_card(clips)}['Dataset'].rows)
  assert facts['frames'] == '0, no pictures'
  assert facts['clips'] == f'120, {frames.sum() / 25 / 3600:.3f} hours'


def test_markdown():
  text = to_markdown('name', [Table('One', ('a', 'b'), [('x|y', 'two\nlines')])])
  assert text == '# name\n\n## One\n\n| a | b |\n| --- | --- |\n| x\\|y | two lines |\n'
