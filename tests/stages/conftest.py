"""Batches and frozen stages for the tests of stages, made here: no dataset is read."""

import importlib

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from cemnet_jax import stages, topology
from cemnet_jax.data import schema

SPEAKERS = 5


def config(name, preset='debug'):
  """A stage's config with its frozen stages' configs inside, as the trainer fills them."""
  cfg = importlib.import_module(f'configs.{name}').get_config(preset)
  if cfg.model.get('classes') == -1:
    cfg.model.classes = SPEAKERS
  frozen = {n: config(n, preset) for n in cfg.needs if n != 'statistics'}
  with cfg.unlocked():
    cfg.frozen = ConfigDict(frozen)
  return cfg


def batch_of(cfg, size, seed=0):
  """A batch of plausible random arrays of the stage's kind."""
  rng = np.random.default_rng(seed)
  face = rng.uniform(0.2, 0.8, (topology.NUM_LANDMARKS, 2))
  out = {}
  for key, value in schema.example(cfg.data, size).items():
    if key == 'mask':
      out[key] = np.ones_like(value)
    elif value.dtype == np.uint8:
      out[key] = rng.integers(0, 256, value.shape, np.uint8)
    elif key in ('pose', 'content', 'ref_landmarks', 'lips', 'landmarks'):
      index = {'pose': topology.POSE, 'content': topology.CONTENT, 'lips': topology.LIPS,
               'ref_landmarks': np.arange(131), 'landmarks': np.arange(131)}[key]
      out[key] = (face[index] + rng.normal(0, 0.02, value.shape)).astype(np.float32)
    elif value.dtype == np.float32:
      out[key] = rng.normal(0, 10 if key == 'mfcc' else 1, value.shape).astype(np.float32)
    elif key == 'windows':
      out[key] = np.full_like(value, cfg.data.windows)
    elif key == 'token_lengths':
      out[key] = np.full_like(value, 5)
    elif key == 'tokens':
      out[key] = rng.integers(1, 29, value.shape).astype(np.int32)
    else:
      high = 8 if 'emotion' in key else SPEAKERS
      out[key] = rng.integers(0, high, value.shape).astype(np.int32)
  return out


def statistics():
  return {'mean': np.zeros((131, 2), np.float32), 'std': np.full((131, 2), 0.05, np.float32)}


def frozen_of(cfg, size=2, abstract=False):
  """{stage: {'params', 'stats'}} of what the stage needs, freshly initialised."""
  trees = {}
  for name in cfg.needs:
    if name == 'statistics':
      trees[name] = statistics()
      continue
    inner = cfg.frozen[name]
    stage = stages.load(inner).make(inner)
    args = (jax.random.key(1), frozen_of(inner, size, abstract), batch_of(inner, size))
    state = jax.eval_shape(stage.init, *args) if abstract else jax.jit(stage.init)(*args)
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
