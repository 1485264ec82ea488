"""The digest of a dataset: in its metadata from the start, made once where it is not."""

import json
import shutil

import pytest

from cemnet_jax.data.digest import dataset_digest, known_digest
from cemnet_jax.data.folders import dataset_path
from cemnet_jax.data.source import Clips
from cemnet_jax.data.verify import verify_clips
from cemnet_jax.errors import UserError
from tests.data.helpers import flip_middle

MEAD = 'synth_mead/mead_debug'


@pytest.fixture
def unmarked(debug_data, tmp_path):
  """A dataset built before metadata had digests."""
  path = tmp_path / MEAD / '2.0.0'
  shutil.copytree(dataset_path(debug_data, MEAD), path)
  metadata = json.loads((path / 'metadata.json').read_text())
  del metadata['digest']
  (path / 'metadata.json').write_text(json.dumps(metadata))
  return path


def test_a_built_dataset_carries_the_digest_that_verify_prints(debug_data):
  for name in (MEAD, 'synth_mead/lrs_debug'):
    path = dataset_path(debug_data, name)
    assert known_digest(path) == verify_clips(debug_data, name).digest
  assert Clips(debug_data, MEAD).identity() == {
    MEAD: f'2.0.0 {known_digest(dataset_path(debug_data, MEAD))[:16]}'}


@pytest.mark.parametrize('processes', [1, 2])
def test_one_without_is_read_once(debug_data, unmarked, processes):
  expected = known_digest(dataset_path(debug_data, MEAD))
  assert known_digest(unmarked) == '' and dataset_digest(unmarked, processes) == expected
  assert known_digest(unmarked) == expected
  for file in unmarked.glob('*.array_record*'):
    file.unlink()
  assert dataset_digest(unmarked) == expected, 'from the metadata alone'
  assert not list(unmarked.glob('.metadata*'))


def test_damage_is_one_line(unmarked):
  flip_middle(next(unmarked.glob('*-val.array_record*')))
  with pytest.raises(UserError, match='a record of val cannot be read') as caught:
    dataset_digest(unmarked)
  assert '\n' not in str(caught.value) and known_digest(unmarked) == ''


def test_people_are_named_alike_in_datasets_of_the_same(debug_data, tmp_path):
  worlds = {name: Clips(debug_data, f'synth_mead/{name}') for name in ('mead_debug', 'lrs_debug')}
  assert worlds['mead_debug'].people('test') == {'synth_mead/0004'}
  assert not worlds['mead_debug'].people('train') & worlds['lrs_debug'].people('train')
  for folder in ('mine', 'yours'):
    shutil.copytree(debug_data / MEAD, tmp_path / 'clip_folder' / folder)
  mine, yours = (Clips(tmp_path, f'clip_folder/{name}').people('train')
                 for name in ('mine', 'yours'))
  assert len(mine) == 3 and not mine & yours
