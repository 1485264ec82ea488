"""A toy training run in its own process, for tests that kill it: WORKDIR [STEP SIGNAL]."""

import os
import signal
import sys

import jax

from cemnet_jax.train import loop
from tests.train import toy


class _Fatal(toy.Data):
  """Sends this process a signal when batch `step` is asked for."""

  def __init__(self, step, number):
    super().__init__()
    self.step, self.number = step, number

  def __getitem__(self, step):
    if step == self.step:
      os.kill(os.getpid(), self.number)
    return super().__getitem__(step)


if __name__ == '__main__':
  jax.config.update('jax_compilation_cache_dir', '.jax_cache')
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
  data = toy.Data()
  if len(sys.argv) > 2:
    data = _Fatal(int(sys.argv[2]), signal.Signals[sys.argv[3]])
  cfg = toy.config(steps=12)
  loop.fit(toy.make(cfg), cfg, data, toy.Data(), toy.FROZEN, sys.argv[1],
           devices=jax.devices()[:1])
