"""LRS2's tree, in small, becomes a dataset; its lists decide the splits."""

import csv

import pytest

from cemnet_jax import train_system
from cemnet_jax.data.source import Clips
from cemnet_jax.topology import UNKNOWN
from tests.tfds_builders.media_files import blob_detector, make_video
from tfds_builders.lrs2.lrs2_dataset_builder import Builder, Lrs2Config
from tfds_builders.media.builder import build_media, named_config


@pytest.fixture(scope='module')
def built(tmp_path_factory):
  """The data folder with `lrs2/main` and `lrs2/full` of a tiny tree."""
  root, data = tmp_path_factory.mktemp('LRS2'), tmp_path_factory.mktemp('data')
  main, lists = root / 'mvlrs_v1' / 'main', {'train': [], 'val': [], 'test': []}
  for number, split in enumerate(['train'] * 4 + ['val'] * 2 + ['test'] * 2):
    name = f'55{number // 2:04d}/{number:05d}'
    make_video(main / f'{name}.mp4', seconds=1.4)
    (main / f'{name}.txt').write_text(f'Text:  HELLO NUMBER {"ABCDEFGH"[number]}\nConf: 4\n')
    lists[split].append(f'{name} 12 34' if split == 'test' else name)
  make_video(root / 'mvlrs_v1/pretrain/77/00001.mp4', seconds=7)
  (root / 'mvlrs_v1/pretrain/77/00001.txt').write_text('Text:  A LONG STORY\n\nWORD START END\n')
  make_video(main / '66/00001.mp4')  # in no list
  lists['train'].append('550009/00001')  # not on disk
  for name, files in {**lists, 'pretrain': ['77/00001']}.items():
    (root / f'{name}.txt').write_text('\n'.join(files))
  for name in ('main', 'full'):
    build_media(Builder, data, named_config(
      Builder, Lrs2Config, name, root=str(root), size=32, open_detector=blob_detector,
      processes=0))
  return data


def test_lists_decide(built):
  clips = Clips(built, 'lrs2/main')
  assert {s: len(r) for s, r in clips.ranges.items()} == {
    'train': 4, 'val': 2, 'test': 2, 'test_sentence': 0}
  assert clips[0]['transcript'] == 'hello number a' and clips[0]['intensity'] == 0
  assert clips.table['speaker'].tolist()[:2] == ['550000', '550000']
  assert (clips.table['emotion'] == UNKNOWN).all() and clips[0]['emotion'] == UNKNOWN
  assert clips.without_people == ['lrs2/main'] and clips.crop == 'stable'
  with (built / 'lrs2' / 'main' / 'report.csv').open() as lines:
    report = {row['file']: row['reason'] for row in csv.DictReader(lines)}
  assert len(report) == 10
  assert any('66/00001' in file for file in report)
  assert any('550009/00001' in f'{file} {reason}' for file, reason in report.items())


def test_pretrain_is_cut_and_trains(built):
  clips = Clips(built, 'lrs2/full')
  assert len(clips.ranges['train']) == 6, 'seven seconds make two clips'
  long = [i for i in clips.ranges['train'] if clips.table['speaker'][i] == '77']
  assert [clips[i]['transcript'] for i in long] == ['', ''], 'of a part nobody knows the words'


@pytest.mark.slow
@pytest.mark.parametrize('stage', ['audio2mouth', 'content'])
def test_a_stage_trains_on_it_by_its_name_alone(stage, built, tmp_path):
  cfg = train_system.load_config(stage, 'debug')
  cfg.data.dataset, cfg.batch_size, cfg.eval_batches = 'lrs2/main', 8, 1
  if stage == 'content':
    cfg.data.windows = 64  # the debug world's clips are shorter
  train_system.train_stage(cfg, built, tmp_path / stage)
  assert (tmp_path / stage / 'done.json').is_file()
