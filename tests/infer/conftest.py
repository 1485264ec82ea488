import numpy as np
import pytest

from cemnet_jax.infer.talker import Talker
from tests.infer.tiny_system import save_system


@pytest.fixture(scope='session')
def system_dir(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('system'))


@pytest.fixture(scope='session')
def talker(system_dir):
  return Talker.load(system_dir)


@pytest.fixture(scope='session')
def speech():
  rng = np.random.default_rng(0)
  wav = rng.normal(0, 0.1, 16000) * np.repeat(rng.uniform(0, 1, 25), 640)
  return wav.astype(np.float32)
