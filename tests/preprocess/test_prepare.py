"""Building twice builds once; what cannot be built is one clear line."""

import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.prepare import prepare_synthetic


def test_what_exists_is_kept(debug_data):
  before = {p: p.stat().st_mtime_ns for p in debug_data.rglob('*.array_record*')}
  lines = []
  paths = prepare_synthetic(debug_data, 'debug', report=lines.append)
  assert [p.relative_to(debug_data).as_posix() for p in paths] == [
    'synth_mead/lrs_debug/2.0.0', 'synth_mead/mead_debug/2.0.0',
    'pairs/aee-synth_mead-mead_debug/1.1.0', 'pairs/cross_emotion-synth_mead-mead_debug/1.1.0']
  assert all('already in' in line for line in lines) and len(lines) == 4
  assert {p: p.stat().st_mtime_ns for p in debug_data.rglob('*.array_record*')} == before


def test_unknown_size(tmp_path):
  with pytest.raises(UserError, match="size 'huge' .* choose from debug, quickstart, b"):
    prepare_synthetic(tmp_path, 'huge')


def test_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot write datasets to') as caught:
    prepare_synthetic(tmp_path / 'file' / 'data', 'debug')
  assert '\n' not in str(caught.value)
