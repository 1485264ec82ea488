"""One of two processes that train the toy stage: WORKDIR PORT PROCESS [SIGTERM_STEP or -1]."""

import os
import signal
import sys
import time

from cemnet_jax.train import loop, process
from tests.train import toy

# JAX looks once a second whether SIGTERM came: unpaced, the few steps would all run before that.
PACE_SECONDS = 0.7
HALF = (slice(0, 4), slice(4, 8))  # rows of the batch that each process makes


class _Terminated(toy.Data):
  """Batches at a walking pace; the process is told to stop when batch `step` is asked for."""

  def __init__(self, step, rows):
    super().__init__(rows=rows)
    self.step = step

  def __getitem__(self, step):
    if step == self.step:
      os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PACE_SECONDS)
    return super().__getitem__(step)


if __name__ == '__main__':
  workdir, port, index = sys.argv[1], sys.argv[2], int(sys.argv[3])
  rows = HALF[index]
  data = toy.Data(rows=rows) if len(sys.argv) < 5 else _Terminated(int(sys.argv[4]), rows)
  process.join_cluster(f'localhost:{port}', 2, index)
  cfg = toy.config()
  loop.fit(toy.make(cfg), cfg, data, toy.Data(rows=rows), toy.FROZEN, workdir)
