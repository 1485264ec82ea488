"""Batches and frozen stages for the tests of stages, made here: no dataset is read."""

from functools import partial

import jax
import pytest

from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.train_system import needs_of

SPEAKERS = 5


def config(name, preset='debug'):
  return inputs.config(name, preset, SPEAKERS)


def batch_of(cfg, size, seed=0):
  return inputs.batch_of(cfg, size, SPEAKERS, seed)


def frozen_of(cfg, size=2, make=jax.jit):
  """{stage: {'params', 'stats'}} of what the stage needs, freshly initialised."""
  trees = {}
  for name in needs_of(cfg):
    if name in inputs.WITHOUT_STAGE:
      trees[name] = inputs.WITHOUT_STAGE[name]()
      continue
    inner = cfg.frozen[name]
    state = make(stages.load(inner).make(inner).init)(
      jax.random.key(1), frozen_of(inner, size, make), batch_of(inner, size))
    trees[name] = {'params': state.params, 'stats': state.stats}
  return trees


@pytest.fixture
def make_config():
  return config


@pytest.fixture
def make_batch():
  return batch_of


@pytest.fixture
def make_frozen():
  return frozen_of


@pytest.fixture
def shapes_of_frozen():
  """The shapes of `make_frozen`, at any width."""
  return partial(frozen_of, make=lambda init: partial(jax.eval_shape, init))
