"""What stands in padding and in masked rows changes nothing: no statistic, no loss, no score."""

from functools import partial

import chex
import jax
import numpy as np
import pytest

from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.train.process import QUICK_COMPILE


def noisy(batch):
  """The batch with loud noise wherever its masks say that nothing is."""
  rng = np.random.default_rng(5)
  other = dict(batch)
  if 'windows' in batch:
    holes = {'mfcc': np.arange(batch['mfcc'].shape[1]) >= batch['windows'][:, None]}
  else:
    holes = dict.fromkeys(('mfcc', 'natural'), batch['mask'] == 0)
  for name, hole in holes.items():
    assert hole.any()
    noise = 100 * rng.normal(size=batch[name].shape).astype(np.float32)
    hole = hole.reshape(hole.shape + (1,) * (noise.ndim - hole.ndim))
    other[name] = np.where(hole, noise, batch[name])
  return other


@pytest.mark.parametrize('name', ['content', 'aee'])
def test_padding_changes_neither_a_step_nor_a_score(name, make_config, make_batch):
  cfg = make_config(name)
  batch, frozen = make_batch(cfg, 4), inputs.drawn_frozen(cfg, speakers=5)
  stage = stages.load(cfg).make(cfg)
  state = inputs.drawn_state(stage, frozen, batch)
  jit = partial(jax.jit, compiler_options=QUICK_COMPILE)
  step, evaluate = jit(stage.step), jit(stage.evaluate)
  found = [jax.device_get((step(state, frozen, b, cfg.seed), evaluate(state, frozen, b)))
           for b in (batch, noisy(batch))]
  chex.assert_trees_all_close(*found, rtol=1e-5, atol=1e-6)
