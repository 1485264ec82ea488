"""Training loads none of the heavy frameworks: neither for --help nor for a step."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {'tensorflow', 'mediapipe', 'torch', 'keras'}


def test_help_imports_nothing_heavy():
  result = subprocess.run([sys.executable, '-X', 'importtime', 'run_train.py', '--help'],
                          cwd=ROOT, capture_output=True, text=True, timeout=600)
  assert '--workdir' in result.stdout
  loaded = {line.rsplit('|', 1)[-1].strip().split('.')[0]
            for line in re.findall(r'^import time:.*$', result.stderr, re.MULTILINE)}
  assert 'ml_collections' in loaded
  assert not loaded & (HEAVY | {'jax', 'tensorflow_datasets'})


STEP = '''
import importlib, pathlib, sys, tempfile
import jax
jax.config.update('jax_compilation_cache_dir', '.jax_cache')
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
import cemnet_jax.cli, cemnet_jax.train_system, cemnet_jax.commands.train
import cemnet_jax.data.pipeline
for path in pathlib.Path('cemnet_jax/stages').glob('[a-z]*.py'):
  importlib.import_module('cemnet_jax.stages.' + path.stem)
from cemnet_jax.train import loop
from tests.train import toy
cfg = toy.config(steps=1)
with tempfile.TemporaryDirectory() as workdir:
  loop.fit(toy.make(cfg), cfg, toy.Data(), toy.Data(), toy.FROZEN, workdir,
           tensorboard='tensorboardX' in sys.argv)
  assert not 'tensorboardX' in sys.argv or list(pathlib.Path(workdir).glob('tensorboard/*'))
print('heavy:', sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))
'''


def test_a_training_step_imports_nothing_heavy():
  result = subprocess.run([sys.executable, '-c', STEP, *HEAVY], cwd=ROOT, capture_output=True,
                          text=True, timeout=600)
  assert 'heavy: []' in result.stdout, result.stdout + result.stderr


def test_event_files_need_no_tensorflow_even_where_it_is_installed(tmp_path):
  (tmp_path / 'tensorflow').mkdir()
  (tmp_path / 'tensorflow' / '__init__.py').write_text('')
  path = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
  result = subprocess.run([sys.executable, '-c', STEP, 'tensorflow', 'keras', 'tensorboardX'],
                          cwd=ROOT, capture_output=True, text=True, timeout=600,
                          env=os.environ | {'PYTHONPATH': path})
  assert "heavy: ['tensorboardX']" in result.stdout, result.stdout + result.stderr
