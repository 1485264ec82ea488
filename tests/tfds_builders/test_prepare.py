"""Building twice builds once; what cannot be built is one clear line."""

import json
import shutil

import pytest

from cemnet_jax.errors import UserError
from tfds_builders.prepare import build_pairs, prepare_synthetic


def test_what_exists_is_kept(debug_data):
  before = {p: p.stat().st_mtime_ns for p in debug_data.rglob('*.array_record*')}
  lines = []
  paths = prepare_synthetic(debug_data, 'debug', report=lines.append)
  assert [p.relative_to(debug_data).as_posix() for p in paths] == [
    'synth_mead/lrs_debug/2.0.0', 'synth_mead/mead_debug/2.0.0',
    'pairs/aee-synth_mead-mead_debug/1.2.0', 'pairs/cross_emotion-synth_mead-mead_debug/1.2.0']
  assert all('already in' in line for line in lines) and len(lines) == 4
  assert {p: p.stat().st_mtime_ns for p in debug_data.rglob('*.array_record*')} == before


def test_pairs_of_other_clips_are_made_anew(debug_data, tmp_path):
  (tmp_path / 'synth_mead').symlink_to(debug_data / 'synth_mead')
  shutil.copytree(debug_data / 'pairs', tmp_path / 'pairs')
  file = tmp_path / 'pairs/cross_emotion-synth_mead-mead_debug/1.2.0/metadata.json'
  built = json.loads(file.read_text())
  file.write_text(json.dumps(built | {'clips_digest': 64 * '7'}))
  lines = []
  build_pairs(tmp_path, 'synth_mead/mead_debug', report=lines.append)
  assert 'already in' in lines[0] and 'made for other clips than synth_mead/mead_debug' in lines[1]
  assert json.loads(file.read_text()) == built


def test_unknown_size(tmp_path):
  with pytest.raises(UserError, match="size 'huge' .* choose from debug, quickstart, b"):
    prepare_synthetic(tmp_path, 'huge')


def test_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot write datasets to') as caught:
    prepare_synthetic(tmp_path / 'file' / 'data', 'debug')
  assert '\n' not in str(caught.value)
