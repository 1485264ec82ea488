"""The debug worlds and their pairs, built once and shared by all tests and worker processes."""

import fcntl
import hashlib
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('cemnet_jax/topology.py', 'cemnet_jax/preprocess/**/*.py', 'tfds_builders/**/*.py')


def _fingerprint():
  """Names the sources that decide what is built: data of other sources is never reused."""
  digest = hashlib.sha256()
  for path in sorted(p for pattern in SOURCES for p in ROOT.glob(pattern)):
    digest.update(path.read_bytes())
  return digest.hexdigest()[:16]


@pytest.fixture(scope='session')
def debug_data(request, tmp_path_factory) -> Path:
  """Data folder with `synth_mead/{lrs,mead}_debug` and the pairs of the latter; only read it."""
  from tfds_builders.prepare import prepare_synthetic

  cache = getattr(request.config, 'cache', None)
  parent = cache.mkdir('debug_data') if cache else tmp_path_factory.getbasetemp().parent
  folder = Path(parent) / _fingerprint()
  with open(Path(parent) / 'lock', 'w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    for old in Path(parent).iterdir():
      if old.is_dir() and len(old.name) == len(folder.name) and old != folder:
        shutil.rmtree(old)
    prepare_synthetic(folder, 'debug', processes=1, report=lambda line: None)
  return folder
