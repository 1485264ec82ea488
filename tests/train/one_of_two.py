"""One of two processes that train the toy stage together: WORKDIR PORT PROCESS [SIGTERM_STEP]."""

import os
import signal
import sys
import time

from cemnet_jax.train import loop, process
from tests.train import toy

# JAX looks once a second whether SIGTERM came; without the wait the few steps left are run first.
NOTICED_SECONDS = 10
HALF = (slice(0, 4), slice(4, 8))  # rows of the batch that each process makes


class _Terminated(toy.Data):
  """The process is told to stop when batch `step` is asked for."""

  def __init__(self, step, rows):
    super().__init__(rows=rows)
    self.step = step

  def __getitem__(self, step):
    if step == self.step:
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(NOTICED_SECONDS)
    return super().__getitem__(step)


if __name__ == '__main__':
  workdir, port, index = sys.argv[1], sys.argv[2], int(sys.argv[3])
  stop = int(sys.argv[4]) if len(sys.argv) > 4 else None
  process.join_cluster(f'localhost:{port}', 2, index)
  cfg = toy.config()
  loop.fit(toy.make(cfg), cfg, _Terminated(stop, HALF[index]), toy.Data(rows=HALF[index]),
           toy.FROZEN, workdir)
