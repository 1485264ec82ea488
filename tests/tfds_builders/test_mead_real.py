"""A small real tree in MEAD's layout, where there is one: CEMNET_REAL_MEDIA/mead."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.face import MODEL_VARIABLE
from tfds_builders.mead.mead_dataset_builder import Builder, MeadConfig
from tfds_builders.media.builder import build_media, named_config

ROOT = Path(os.environ.get('CEMNET_REAL_MEDIA', 'nowhere')) / 'mead'


@pytest.mark.slow
@pytest.mark.skipif(not ROOT.is_dir() or MODEL_VARIABLE not in os.environ,
                    reason='needs CEMNET_REAL_MEDIA with the folder mead, and CEMNET_LANDMARKER')
@pytest.mark.parametrize('name', ['front', 'audio_only'])
def test_all_that_can_be_paired_is(name, tmp_path):
  (tmp_path / 'split.json').write_text('{"test": ["W009"]}')
  folder = build_media(Builder, tmp_path, named_config(
    Builder, MeadConfig, name, root=str(ROOT), split_file=str(tmp_path / 'split.json'),
    processes=2, max_bad=1.0))
  clips = Clips(tmp_path, f'mead/{name}')
  assert set(clips.table['speaker'][np.asarray(clips.ranges['test'])]) == {'W009'}
  with (folder.parent / 'report.csv').open() as lines:
    report = {row['file']: row for row in csv.DictReader(lines)}
  wanted = 'audio' if name == 'audio_only' else '*'
  files = {p.relative_to(ROOT).as_posix() for p in ROOT.glob(f'*/{wanted}/**/*.m*')}
  unreported = {f for f in files if f not in report and not f.endswith('.m4a')}
  assert not unreported
  assert all(row['reason'] for row in report.values() if row['clips'] == '0')
  assert sum(int(row['clips']) for row in report.values()) == len(clips) > 5
