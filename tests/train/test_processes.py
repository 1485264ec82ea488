"""Two processes of one device each train as one process of two devices does."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from cemnet_jax.train import ckpt, loop
from cemnet_jax.train.pool import FeaturePool
from tests.train import toy, two_stages_of_two

ROOT = Path(__file__).resolve().parents[2]


def run_two(workdir, stop=None, module='one_of_two'):
  with socket.socket() as probe:
    probe.bind(('localhost', 0))
    port = probe.getsockname()[1]
  # SIGTERM reaches the second process only; both must save the same step.
  steps = () if stop is None else ('-1', str(stop))
  arguments = [[str(workdir), str(port), str(i), *steps[i:i + 1]] for i in range(2)]
  pair = [subprocess.Popen([sys.executable, '-m', f'tests.train.{module}', *a], cwd=ROOT,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
          for a in arguments]
  last = time.monotonic() + 240
  while any(p.poll() is None for p in pair) and not any(p.returncode for p in pair):
    if time.monotonic() > last:
      break  # one waits for the other; where one fails, the other would wait as well
    time.sleep(0.2)
  for p in pair:
    p.kill()
  outputs = [p.communicate() for p in pair]
  assert [p.returncode for p in pair] == [0, 0], outputs
  return outputs


@pytest.mark.slow
def test_two_processes_equal_two_devices(tmp_path):
  cfg = toy.config()
  loop.fit(toy.make(cfg), cfg, toy.Data(), toy.Data(), toy.FROZEN, tmp_path / 'one',
           devices=jax.devices()[:2])
  outputs = run_two(tmp_path / 'two', 1)
  assert all('stopped by SIGTERM, saved at step' in out for out, _ in outputs)
  outputs = run_two(tmp_path / 'two')
  assert '8/8' in outputs[0][0] and '8/8' not in outputs[1][0]
  assert ((tmp_path / 'one/metrics.jsonl').read_text()
          == (tmp_path / 'two/metrics.jsonl').read_text())
  one, two = (toy.leaves(ckpt.load_params(tmp_path / name)) for name in ('one', 'two'))
  for name in one:
    assert one[name].tobytes() == two[name].tobytes(), name


@pytest.mark.slow
def test_a_late_process_is_waited_for_between_stages(tmp_path):
  run_two(tmp_path, module='two_stages_of_two')
  assert all((tmp_path / stage / ckpt.DONE).is_file() for stage in ('first', 'second'))
  whole = FeaturePool(toy.Data(), two_stages_of_two.features, toy.FROZEN, batches=3, batch_size=4)
  parts = [np.load(tmp_path / f'pool_{i}.npz') for i in range(2)]
  for name, rows in whole[5].items():
    served = np.concatenate([part[name] for part in parts])
    np.testing.assert_allclose(served, rows, rtol=1e-6, err_msg=name)
