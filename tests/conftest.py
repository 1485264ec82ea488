"""Tests run on eight virtual CPU devices, whatever the machine has."""

import importlib.util
import os
import sys
from pathlib import Path

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
# With fewer threads than virtual devices, XLA's CPU collectives wait for each other forever.
os.environ.setdefault('NPROC', '32')
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import jax  # noqa: E402
import pytest  # noqa: E402
from absl import flags  # noqa: E402

jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_compilation_cache_dir', str(ROOT / '.jax_cache'))
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
flags.FLAGS.mark_as_parsed()  # Grain's loader processes read absl flags

if importlib.util.find_spec('tests.data_fixture'):
  from tests.data_fixture import debug_data  # noqa: E402, F401


@pytest.fixture(autouse=True)
def traces_are_not_kept():
  """A command that keeps them does so for its own test: others may replace what is traced."""
  yield
  if 'cemnet_jax.infer.traced' in sys.modules:
    sys.modules['cemnet_jax.infer.traced']._kept = False
