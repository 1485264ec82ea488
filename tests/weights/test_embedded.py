"""The system that comes with the package: its size, its fingerprint, and what it can do."""

import hashlib
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.infer import forward, loading
from cemnet_jax.topology import EMOTIONS
from cemnet_jax.weights import compact, embedded

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_small_and_the_one_of_the_docs():
  path = embedded.folder() / compact.WEIGHTS
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  assert path.stat().st_size <= 12e6
  assert digest == json.loads((embedded.folder() / compact.CONTENTS).read_text())['weights'][
    'sha256']
  assert digest in (ROOT / 'docs/training.md').read_text()


def test_it_knows_every_emotion_and_names_no_folder_of_its_making():
  nets = loading.load(embedded.folder())
  for emotion in EMOTIONS:
    assert forward.label_emotion(nets.bridge, emotion).shape[0] == 1
  assert not re.search(r'/(root|home|work|tmp)/',
                       (embedded.folder() / compact.CONTENTS).read_text())


def test_it_is_part_of_the_package():
  settings = tomllib.loads((ROOT / 'pyproject.toml').read_text())
  packed = settings['tool']['setuptools']['package-data']['cemnet_jax']
  files = {path for pattern in packed for path in (ROOT / 'cemnet_jax').glob(pattern)}
  assert {embedded.folder() / compact.CONTENTS, embedded.folder() / compact.WEIGHTS} <= files
  # Nothing else that is no source lies in the package and stays behind.
  others = {path for path in (ROOT / 'cemnet_jax').rglob('*')
            if path.is_file() and path.suffix not in ('.py', '.pyc')}
  assert others == files


def test_a_copy_without_it_says_what_to_do(tmp_path, monkeypatch):
  shutil.copy(embedded.folder() / compact.CONTENTS, tmp_path)
  monkeypatch.setattr(embedded, 'FOLDER', tmp_path)
  with pytest.raises(UserError, match='is missing; install the package anew.*--system-dir'):
    embedded.folder()
