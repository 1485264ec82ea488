"""Pairs as datasets over the debug world."""

import tensorflow_datasets as tfds

from cemnet_jax.data.source import Clips
from tests.tfds_builders.test_synth_mead import records
from tfds_builders.build import build
from tfds_builders.pairs.pairs_dataset_builder import KINDS, Builder

MEAD = 'synth_mead/mead_debug'


def folder(data, kind):
  return data / f'pairs/{kind}-synth_mead-mead_debug/1.2.0'


def test_metadata_pins_the_clips(debug_data):
  clips = Clips(debug_data, MEAD)
  for kind in KINDS:
    metadata = tfds.builder_from_directory(folder(debug_data, kind)).info.metadata
    assert (metadata['clips'], metadata['clips_version']) == (MEAD, '2.0.0')
    assert metadata['record_counts'] == {s: len(r) for s, r in clips.ranges.items()}


def test_rows_stay_in_their_split(debug_data):
  clips = Clips(debug_data, MEAD)
  for kind, columns in (('aee', ('clips', 'canonical')), ('cross_emotion', ('driving',))):
    builder = tfds.builder_from_directory(folder(debug_data, kind))
    for split in builder.info.splits:
      for row in builder.as_data_source(split):
        used = {int(i) for c in columns for i in getattr(row[c], 'flat', [row[c]])}
        assert used <= set(clips.ranges[split]), (kind, split)
        if kind == 'cross_emotion':
          references = clips.ranges['train' if split == 'test_sentence' else split]
          assert row['reference'] in references


def test_a_rebuild_has_the_same_bytes(debug_data, tmp_path):
  (tmp_path / 'synth_mead').symlink_to(debug_data / 'synth_mead')
  for kind in KINDS:
    build(Builder, tmp_path, Builder.config_for(kind, MEAD), lambda line: None, processes=2)
    assert records(folder(tmp_path, kind)) == records(folder(debug_data, kind))


def test_any_clips_dataset_has_a_config():
  config = Builder.config_for('aee', 'clip_folder/mine')
  assert config.name == 'aee-clip_folder-mine' and config.clips == 'clip_folder/mine'
