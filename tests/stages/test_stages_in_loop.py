"""Real stages in the loop: eight devices agree with one, a stopped run goes on with its bits."""

import jax
import numpy as np
import pytest

from cemnet_jax import stages
from cemnet_jax.train import loop
from cemnet_jax.train.log import read_rows


class Batches:
  """Batch `step` is a function of the step alone."""

  def __init__(self, cfg, make_batch):
    self.cfg, self.make_batch = cfg, make_batch

  def __len__(self):
    return 1

  def __getitem__(self, step):
    return self.make_batch(self.cfg, 8, seed=step)


@pytest.fixture
def run(make_config, make_batch, make_frozen, tmp_path):
  """run(stage, folder, devices, steps) -> (losses, final state)."""
  def fit(name, folder, devices=1, steps=3):
    cfg = make_config(name)
    cfg.steps, cfg.save_every, cfg.eval_every = steps, 100, 100
    cfg.mesh.min_size = 0
    data = Batches(cfg, make_batch)
    state = loop.fit(stages.load(cfg).make(cfg), cfg, data, None, make_frozen(cfg, 8),
                     tmp_path / folder, devices=jax.devices()[:devices])
    rows = read_rows(tmp_path / folder / 'metrics.jsonl')
    return np.array([row['loss'] for row in rows if 'loss' in row]), state
  return fit


# A memory over frozen nets, and a net with BatchNorm and dropout: others take longer to compile.
@pytest.mark.slow
@pytest.mark.parametrize('name', ['ebm', 'audio2mouth'])
def test_eight_devices_agree_and_a_stopped_run_goes_on(run, name):
  one, state = run(name, 'one')
  eight, _ = run(name, 'eight', devices=8)
  np.testing.assert_allclose(eight, one, rtol=1e-5)
  run(name, 'stopped', steps=2)
  again, resumed = run(name, 'stopped')
  np.testing.assert_array_equal(again, one)
  for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(state), jax.tree.leaves(resumed),
                          strict=True):
    assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), jax.tree_util.keystr(path)
