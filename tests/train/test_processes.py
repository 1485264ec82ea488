"""Two processes of one device each train as one process of two devices does."""

import socket
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from cemnet_jax.train import ckpt, loop
from tests.train import toy

ROOT = Path(__file__).resolve().parents[2]


def run_two(workdir, stop=None):
  with socket.socket() as probe:
    probe.bind(('localhost', 0))
    port = probe.getsockname()[1]
  # SIGTERM reaches the second process only; both must save the same step.
  steps = () if stop is None else ('-1', str(stop))
  arguments = [[str(workdir), str(port), str(i), *steps[i:i + 1]] for i in range(2)]
  pair = [subprocess.Popen([sys.executable, '-m', 'tests.train.one_of_two', *a], cwd=ROOT,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
          for a in arguments]
  outputs = [p.communicate(timeout=120) for p in pair]
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
