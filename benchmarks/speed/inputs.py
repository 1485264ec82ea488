"""What a stage's step is fed in tests and benchmarks: a config, a random batch and weights."""

import importlib
from functools import partial
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from cemnet_jax import stages, topology
from cemnet_jax.data import schema
from configs.common import SPEAKERS

Tree = Any
POINTS = {'pose': topology.POSE, 'content': topology.CONTENT, 'lips': topology.LIPS,
          'ref_landmarks': np.arange(topology.NUM_LANDMARKS),
          'landmarks': np.arange(topology.NUM_LANDMARKS)}


def config(name: str, preset: str, speakers: int) -> ConfigDict:
  """A stage's config with its frozen stages' configs inside, as the trainer fills them."""
  cfg = importlib.import_module(f'configs.{name}').get_config(preset)
  if cfg.model.get('classes') == SPEAKERS:
    cfg.model.classes = speakers
  frozen = {n: config(n, preset, speakers) for n in cfg.needs if n != 'statistics'}
  with cfg.unlocked():
    cfg.frozen = ConfigDict(frozen)
  return cfg


def batch_of(cfg: ConfigDict, size: int, speakers: int, seed: int = 0, whole: bool = False,
             ) -> dict[str, np.ndarray]:
  """A batch of plausible random arrays of the stage's kind.

  Its padding is as in training's: utterances do not fill their windows, a clip of eight may be
  missing. `whole`: without any, for counterparts that know none.
  """
  rng = np.random.default_rng(seed)
  face = rng.uniform(0.2, 0.8, (topology.NUM_LANDMARKS, 2))
  out = {}
  for key, value in schema.example(cfg.data, size).items():
    if key == 'mask':
      out[key] = np.ones_like(value)
    elif value.dtype == np.uint8:
      out[key] = rng.integers(0, 256, value.shape, np.uint8)
    elif key in POINTS:
      out[key] = (face[POINTS[key]] + rng.normal(0, 0.02, value.shape)).astype(np.float32)
    elif value.dtype == np.float32:
      out[key] = rng.normal(0, 10 if key == 'mfcc' else 1, value.shape).astype(np.float32)
    elif key == 'windows':
      out[key] = np.full_like(value, cfg.data.windows)
    elif key == 'token_lengths':
      out[key] = np.full_like(value, 5)
    elif key == 'tokens':
      out[key] = rng.integers(1, 29, value.shape).astype(np.int32)
    else:
      high = 8 if 'emotion' in key else speakers
      out[key] = rng.integers(0, high, value.shape).astype(np.int32)
  return out if whole else _with_gaps(out)


def _with_gaps(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Zeros and masks where a batch of training data has them."""
  if 'windows' in batch:
    total = batch['mfcc'].shape[1]
    batch['windows'] -= np.arange(len(batch['windows']), dtype=np.int32) % 4 * (total // 8)
    batch['mfcc'] *= (np.arange(total) < batch['windows'][:, None])[:, :, None, None]
  elif batch['mask'].ndim > 1:  # the two input clips, [0, 0, 0] and [1, 1, 1], always exist
    for name in ('mask', 'mfcc', 'natural'):
      batch[name][1::2, 0, 1, 1] = 0
  return batch


def statistics() -> dict[str, np.ndarray]:
  """In place of those of a dataset's landmarks."""
  return {'mean': np.zeros((131, 2), np.float32), 'std': np.full((131, 2), 0.05, np.float32)}


def drawn(shapes: Tree, seed: int = 0) -> Tree:
  """Plausible weights without compiling an initialiser: scales and variances 1, biases 0.

  Args:
    shapes: of linen variables, as `jax.eval_shape` gives them.
  """
  return jax.tree_util.tree_map_with_path(partial(_leaf, np.random.default_rng(seed)), shapes)


def _leaf(rng, path, leaf) -> np.ndarray:
  name = path[-1].key
  if name in ('scale', 'var'):
    return np.ones(leaf.shape, leaf.dtype)
  if name in ('bias', 'mean'):
    return np.zeros(leaf.shape, leaf.dtype)
  fan_in = max(1, int(np.prod(leaf.shape[:-1])))
  return (rng.normal(size=leaf.shape) / np.sqrt(fan_in)).astype(leaf.dtype)


def drawn_state(stage, frozen: Tree, batch: dict[str, np.ndarray]) -> Tree:
  """A `TrainState` before its first step with `drawn` weights."""
  state = jax.eval_shape(stage.init, jax.random.key(0), frozen, batch)
  params, stats = drawn(state.params), drawn(state.stats, 1)
  if 'landmarks' in stats:
    stats['landmarks'] = frozen['statistics']
  zeros = partial(jax.tree.map, lambda leaf: np.zeros(leaf.shape, leaf.dtype))
  return state.replace(step=np.int32(0), params=params, opt=zeros(state.opt), stats=stats,
                       ema={net: params[net] for net in state.ema})


def drawn_frozen(cfg: ConfigDict, speakers: int, size: int = 2) -> dict[str, Tree]:
  """{stage: {'params', 'stats'}} of what the stage needs, with `drawn` weights."""
  trees = {}
  for name in cfg.needs:
    if name == 'statistics':
      trees[name] = statistics()
      continue
    inner = cfg.frozen[name]
    state = drawn_state(stages.load(inner).make(inner), drawn_frozen(inner, speakers, size),
                        batch_of(inner, size, speakers))
    trees[name] = {'params': state.params, 'stats': state.stats}
  return trees
