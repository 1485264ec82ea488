"""The synthetic worlds as datasets: rebuilt bit for bit, without TensorFlow."""

import subprocess
import sys

import numpy as np
import tensorflow_datasets as tfds

from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.synthetic.clip import make_clip
from cemnet_jax.preprocess.synthetic.world import WORLDS
from tfds_builders.synth_mead.synth_mead_dataset_builder import Builder

BUILD = '''
import sys
from tfds_builders.build import build
from tfds_builders.pairs.pairs_dataset_builder import Builder as Pairs
from tfds_builders.synth_mead.synth_mead_dataset_builder import Builder
if __name__ == '__main__':
  build(Builder, sys.argv[1], 'lrs_debug', print, processes=2)
  print([m for m in ('tensorflow', 'jax', 'torch', 'mediapipe') if m in sys.modules])
'''


def records(path):
  """Split -> the bytes of every field of every record (a protobuf map itself has no order)."""
  builder = tfds.builder_from_directory(path)
  return {split: [{name: np.asarray(value).tobytes() if name != 'frames' else list(value)
                   for name, value in record.items()} for record in builder.as_data_source(split)]
          for split in builder.info.splits}


def test_a_rebuild_in_two_processes_has_the_same_bytes_without_tensorflow(debug_data, tmp_path):
  script = tmp_path / 'build.py'
  script.write_text(BUILD)
  done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True,
                        check=True, env={'PYTHONPATH': '.', 'PATH': ''})
  report, imported = done.stdout.strip().splitlines()
  assert report.startswith('synth_mead/lrs_debug: 9 train, 6 val, 3 test in ')
  assert imported == '[]'
  made, before = (records(d / 'synth_mead/lrs_debug/2.0.0') for d in (tmp_path, debug_data))
  assert made == before
  assert {split: len(found) for split, found in made.items()} == {'train': 9, 'val': 6, 'test': 3}
  left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.iterdir())
  assert left == ['build.py', 'synth_mead']


def test_records_are_the_clips_of_the_world(debug_data):
  world = WORLDS['mead_debug']
  clips = Clips(debug_data, 'synth_mead/mead_debug')
  for split, at in (('train', 20), ('test_sentence', 3)):
    expected, clip = make_clip(world, world.keys(split)[at]), clips[clips.ranges[split][at]]
    assert clip['frames'] == expected['frames'] and clip['sha256'] == expected['sha256']
    for name in ('landmarks', 'neutral_landmarks', 'audio', 'crop_box'):
      assert (clip[name] == expected[name]).all(), name


def test_metadata(debug_data):
  metadata = Clips(debug_data, 'synth_mead/mead_debug').metadata
  assert metadata['train_speakers'] == 3 and len(metadata['speakers']) == 6
  assert (metadata['crop'], metadata['size'], metadata['fps']) == ('stable', 32, 25)
  assert metadata['world']['name'] == 'mead_debug'


def test_every_world_has_a_config_and_the_version_is_told():
  assert set(Builder.builder_configs) == set(WORLDS)
  assert str(Builder.VERSION) in Builder.RELEASE_NOTES
