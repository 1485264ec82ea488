"""MEAD's tree, in small, becomes a dataset that stages train on by its name alone."""

import csv
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cemnet_jax import cli, train_system
from cemnet_jax.data.source import Clips
from tests.tfds_builders.media_files import blob_detector, make_video
from tfds_builders.mead.mead_dataset_builder import Builder, MeadConfig
from tfds_builders.media.builder import build_media, named_config
from tfds_builders.prepare import build_pairs

ACTORS = ('M003', 'M005', 'M007', 'W009')
WORDS = {1: 'one', 2: 'two'}
CELLS = (('neutral', 1), ('happy', 1), ('happy', 3), ('angry', 3))


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
  """Four actors x four cells x two sentences; sound in its own files, odd ones among them."""
  root = tmp_path_factory.mktemp('MEAD')
  rows = ['actor,emotion,level,number,transcript']
  for actor in ACTORS:
    for emotion, level in CELLS:
      for number in (1, 2):
        place = f'{emotion}/level_{level}/{number:03d}'
        make_video(root / actor / 'video/front' / f'{place}.mp4', seconds=1.4, sound=False)
        make_video(root / actor / 'audio' / f'{place}.m4a', seconds=1.28)
        rows.append(f'{actor},{emotion},{level},{number},Sentence number {WORDS[number]}')
  make_video(root / 'M003/video/left_30/happy/level_3/001.mp4', sound=False)
  make_video(root / 'M003/audio/sad/level_2/007.m4a')  # of a video that is missing
  make_video(root / 'M005/video/front/sad/level_2/003.mp4', sound=False)  # without sound
  (root / 'M005/video/front/happy/level_1/002.mp4').write_bytes(b'\0' * 500)
  (root / 'W009/audio/happy/level_1/002.m4a').write_bytes(b'')
  (root / 'split.json').write_text('{"test": ["W009"], "val": ["M005"]}')
  (root / 'said.csv').write_text('\n'.join(rows))
  return root


def config(tree, name='front', **fields):
  return named_config(Builder, MeadConfig, name, root=str(tree), size=32,
                      open_detector=blob_detector, processes=0,
                      split_file=str(tree / 'split.json'), transcripts=str(tree / 'said.csv'),
                      **{'max_bad': 0.2, **fields})


@pytest.fixture(scope='module')
def built(tree, tmp_path_factory):
  """The data folder with `mead/front` and its pairs."""
  data = tmp_path_factory.mktemp('data')
  build_media(Builder, data, config(tree))
  build_pairs(data, 'mead/front')
  return data


def test_records_and_report(tree, built):
  folder = built / 'mead' / 'front' / '1.0.0'
  builder = tfds.builder_from_directory(folder)
  assert set(builder.info.splits) == {'train', 'val', 'test'}
  assert builder.info.metadata['split_by'] == 'speaker'
  assert sum(i.num_examples for i in builder.info.splits.values()) == 30
  record = builder.as_data_source('test')[0]
  assert len(record['frames']) == 32, 'trimmed to the shorter sound'
  assert record['transcript'] == b'sentence number one' == record['sentence']
  assert record['speaker'].decode() == 'W009'
  assert builder.info.metadata['audio_only'] is False and builder.info.citation
  with (folder.parent / 'report.csv').open() as lines:
    report = {row['file']: row['reason'] for row in csv.DictReader(lines)}
  assert 'no video of it' in report['M003/audio/sad/level_2/007.m4a']
  assert 'has no sound track' in report['M005/video/front/sad/level_2/003.mp4']
  assert 'cannot be decoded' in report['M005/video/front/happy/level_1/002.mp4']
  assert 'empty' in report['W009/video/front/happy/level_1/002.mp4']
  assert not any('left_30' in file for file in report)
  with (folder.parent / 'content.csv').open() as lines:
    content = {row['file']: row for row in csv.DictReader(lines)}
  assert content['M005/video/front/sad/level_2/003.mp4']['sentence'] == ''


def test_views_and_sound_alone(tree, tmp_path):
  build_media(Builder, tmp_path, config(tree, 'views', max_bad=1.0))
  both = Clips(tmp_path, 'mead/views')
  assert len(both) == 31 and sum('left_30' in s for s in both.table['id']) == 1
  build_media(Builder, tmp_path, config(tree, 'audio_only', max_bad=1.0))
  heard = Clips(tmp_path, 'mead/audio_only')
  assert len(heard) == 32
  clip = heard[0]
  assert clip['frames'] == [] and len(clip['audio']) >= 640 * 25


@pytest.mark.slow
@pytest.mark.parametrize('stage', ['audio_emotion', 'image_emotion', 'aee'])
def test_a_stage_trains_on_it_by_its_name_alone(stage, tree, built, tmp_path):
  for name in (*(('audio_emotion', 'timbre', 'content') if stage == 'aee' else ()), stage):
    cfg = train_system.load_config(name, 'debug')
    cfg.data.dataset = 'mead/front'
    cfg.batch_size, cfg.eval_batches = 8, 1
    train_system.train_stage(cfg, built, tmp_path / name)
    assert (tmp_path / name / 'done.json').is_file()


def test_command_line(tree, tmp_path, capsys):
  ready = tmp_path / 'ready'
  points = np.random.default_rng(0).uniform(10, 80, (1, 131, 2)).repeat(35, 0)
  for video in tree.rglob('video/front/**/*.mp4'):
    path = (ready / video.relative_to(tree)).with_suffix('.npz')
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, landmarks=points)
  flags = ['prepare', 'mead', '--root', str(tree), '--data', str(tmp_path / 'data'), '--size', '32',
           '--landmarks', str(ready), '--transcripts', str(tree / 'said.csv'), '--split-file',
           str(tree / 'split.json'), '--processes', '1']
  assert cli.main(flags) == 0, capsys.readouterr().err
  clips = Clips(tmp_path / 'data', 'mead/front')
  assert set(clips.table['speaker'][np.asarray(clips.ranges['test'])]) == {'W009'}
  assert len(list((tmp_path / 'data' / 'pairs').glob('*-mead-front'))) == 2
  assert cli.main(flags) == 0 and 'already in' in capsys.readouterr().out
  (tmp_path / 'split.json').write_text('{"val": ["W009"], "test": ["M003"]}')
  (tmp_path / 'said.csv').write_text((tree / 'said.csv').read_text() + '\n')
  shutil.copytree(tree, tmp_path / 'more')
  shutil.copytree(tree / 'M003', tmp_path / 'more/M011')
  for flag, value in (('--split-file', 'split.json'), ('--transcripts', 'said.csv'),
                      ('--root', 'more')):
    other = [*flags]
    other[other.index(flag) + 1] = str(tmp_path / value)
    assert cli.main(other) == 2
    error = capsys.readouterr().err
    assert f'1.0.0: was built from another {flag}; take another --name' in error, error
  assert cli.main([*flags, '--views', 'left_30']) == 2
  assert 'was built from another --views;' in capsys.readouterr().err
  assert cli.main([*flags, '--name', 'other', '--views', 'back']) == 2
  assert 'view back: choose of front' in capsys.readouterr().err
