"""One definition of M-LMD: that of the evaluation's tables holds in the stages' validation."""

import jax
import numpy as np
import pytest

from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.metrics import lmd, tally
from cemnet_jax.stages import landmark_distance
from cemnet_jax.topology import LIPS

SPEAKERS = 5


def test_it_is_the_distance_of_the_tables():
  rng = np.random.default_rng(0)
  found, truth = rng.uniform(.2, .8, (2, 3, 6, 57, 2)).astype(np.float32)
  ours = landmark_distance.m_lmd(found[..., 17:, :], truth[..., 17:, :])
  theirs = [tally.mean(lmd.m_lmd(a, b)) for a, b in zip(found, truth)]
  np.testing.assert_allclose(np.mean(ours, axis=-1), theirs, rtol=1e-5)


@pytest.mark.parametrize('name, measured', [
  ('audio2mouth', ['m_lmd']), ('ebm', ['m_lmd', 'm_lmd_agnostic']), ('landmark_scorer', ['m_lmd'])])
def test_where_the_mouth_lies_does_not_count(name, measured):
  cfg = inputs.config(name, 'debug', SPEAKERS)
  stage = stages.load(cfg).make(cfg)
  frozen = inputs.drawn_frozen(cfg, SPEAKERS)
  batch = inputs.batch_of(cfg, 2, SPEAKERS)
  state = inputs.drawn_state(stage, frozen, batch)
  evaluate = jax.jit(stage.evaluate)
  moved = dict(batch)
  if name == 'landmark_scorer':
    moved['landmarks'] = batch['landmarks'].copy()
    moved['landmarks'][:, LIPS] += np.float32(.1)
  else:
    moved['content'] = batch['content'] + np.float32(.1)
  here, there = evaluate(state, frozen, batch), evaluate(state, frozen, moved)
  for metric in measured:
    assert float(here[metric].total) > 1
    assert float(there[metric].total) == pytest.approx(float(here[metric].total), rel=1e-4), metric
