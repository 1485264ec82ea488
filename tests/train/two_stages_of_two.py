"""One of two processes that train two stages in turn, late here and there: WORKDIR PORT PROCESS.

The first is late to write what ends a stage, the second to ask for the statistics.
"""

import sys
import time
from pathlib import Path

import numpy as np

from cemnet_jax import train_system
from cemnet_jax.train import log, loop, process
from cemnet_jax.train.pool import FeaturePool
from tests.train import toy
from tests.train.one_of_two import HALF

LATE_SECONDS = 3.


def late(function):
  """`function`, but later."""
  def call(*args):
    time.sleep(LATE_SECONDS)
    return function(*args)
  return call


def features(frozen, batch):
  return {'x': batch['x'].mean(axis=(1, 2, 3)), 'y': frozen['scale']['params'] * batch['y']}


if __name__ == '__main__':
  workdir, port, index = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
  data = toy.Data(rows=HALF[index])
  train_system._make_statistics = lambda cfg, data_dir: {'mean': np.zeros(2)}
  sys.modules['cemnet_jax.stages.toy'] = toy
  process.join_cluster(f'localhost:{port}', 2, index)
  if index == 0:
    log.Log.curves = late(log.Log.curves)
  else:
    train_system._statistics = late(train_system._statistics)
  for stage, needs in (('first', ()), ('second', ('first', 'statistics'))):
    cfg = toy.config(stage=stage, module='toy', steps=1, needs=needs)
    frozen, _ = train_system.load_frozen(cfg, None, workdir / stage, {}, {})
    assert set(frozen) == set(needs)
    loop.fit(toy.make(cfg), cfg, data, None, toy.FROZEN, workdir / stage)
  pool = FeaturePool(data, features, toy.FROZEN, batches=3, batch_size=4)
  np.savez(workdir / f'pool_{index}.npz', **pool[5])
