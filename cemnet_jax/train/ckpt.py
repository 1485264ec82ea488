"""Checkpoints of one stage: the only importer of Orbax.

A step has two parts: `model` (params, stats, ema), which later stages and inference load, and
`train` (step, opt). Orbax writes beside and renames, so a killed save leaves no checkpoint.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from cemnet_jax.errors import UserError
from cemnet_jax.files import write_text
from cemnet_jax.train.state import TrainState

Tree = Any
FOLDER = 'checkpoints'
CONFIG = 'config.json'
DONE = 'done.json'  # of a stage that is finished
IDENTITY = 'identity.json'  # what a stage is made of, see `train.chain`


def _score(metrics) -> float:
  return metrics['score']


class Checkpoints(contextlib.AbstractContextManager):
  """The checkpoints of a workdir: the latest two, and the best by evaluation."""

  def __init__(self, workdir: Path, *, writes: bool = False):
    policies = ocp.training.preservation_policies
    self._orbax = ocp.training.Checkpointer(
      Path(workdir).resolve() / FOLDER,
      # The loop decides when to save.
      save_decision_policy=ocp.training.save_decision_policies.FixedIntervalPolicy(1),
      preservation_policy=policies.AnyPreservationPolicy([
        policies.LatestN(2),
        policies.BestN(get_metric_fn=_score, n=1, keep_checkpoints_without_metrics=False)]),
      cleanup_tmp_directories=writes)
    # While it finishes a save in a thread, Orbax asks JAX about preemption by the step saved. That
    # turns back the counter by which processes agree where to stop: only the loop may ask.
    self._orbax._manager.reached_preemption = lambda step: False

  def __exit__(self, *exc):
    self._orbax.close()

  @property
  def latest(self) -> int | None:
    """The step of the newest complete checkpoint."""
    newest = self._orbax.latest
    return None if newest is None else newest.step

  @property
  def best(self) -> int | None:
    """The step of the best checkpoint by evaluation, else of the latest."""
    return max(((c.metrics['score'] if c.metrics else -np.inf, c.step)
                for c in self._orbax.checkpoints), default=(0, None))[1]

  def save(self, state: TrainState, step: int, *, score: float | None, metadata: dict) -> None:
    """Starts saving; returns before the files are written. Higher `score` is better."""
    parts = {'model': {'params': state.params, 'stats': state.stats, 'ema': state.ema},
             'train': {'step': state.step, 'opt': state.opt}}
    self._orbax.save_checkpointables_async(
      step, parts, force=True, metrics=None if score is None else {'score': score},
      custom_metadata=metadata)

  def restore(self, abstract: TrainState) -> TrainState:
    """The latest state, placed as `abstract` (ShapeDtypeStructs with shardings) says."""
    parts = self._orbax.load_checkpointables(None, {
      'model': {'params': abstract.params, 'stats': abstract.stats, 'ema': abstract.ema},
      'train': {'step': abstract.step, 'opt': abstract.opt}})
    return TrainState(**parts['model'], **parts['train'])

  def metadata(self) -> dict:
    """What `save` was told with the latest checkpoint."""
    return self._orbax.checkpointables_metadata().custom_metadata or {}

  def wait(self) -> None:
    """Blocks until the last save is on disk."""
    self._orbax.wait()


def best_step(stage_dir: Path) -> int:
  """The step of the best complete checkpoint in a stage's folder.

  Raises:
    UserError: there is none.
  """
  if (Path(stage_dir) / FOLDER).is_dir():
    with Checkpoints(stage_dir) as checkpoints:
      if checkpoints.best is not None:
        return checkpoints.best
  raise UserError(f'{stage_dir}: no complete checkpoint here; train this stage first')


def load_params(stage_dir: Path) -> dict[str, Tree]:
  """{'params': {net: tree}, 'stats': {net: tree}} of the best checkpoint, as numpy arrays.

  Averaged parameters take the place of the raw ones where the stage keeps them.
  """
  path = Path(stage_dir).resolve() / FOLDER / str(best_step(stage_dir))
  saved = ocp.checkpointables_metadata(path).metadata['model']
  abstract = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), saved)
  model = ocp.load_checkpointables(path, {'model': abstract})['model']
  return {'params': {**model['params'], **model['ema']}, 'stats': model['stats']}


def load_config(stage_dir: Path) -> dict:
  """The config that a stage was trained with, as plain JSON values."""
  path = Path(stage_dir) / CONFIG
  if not path.is_file():
    raise UserError(f'{stage_dir}: no {CONFIG} here; train this stage first')
  return json.loads(path.read_text())


def read_json(path: Path) -> dict:
  """The file's value, {} where there is no such file."""
  return json.loads(path.read_text()) if path.is_file() else {}


def write_json(path: Path, value: dict) -> None:
  """Readers see the old file or the new one, never a part."""
  write_text(path, json.dumps(value, indent=2, sort_keys=True) + '\n')


def plain(cfg) -> dict:
  """A ConfigDict as JSON has it: tuples become lists."""
  return json.loads(cfg.to_json())


def flat(tree: dict, prefix: str = '') -> dict[str, Any]:
  """{'a': {'b': 1}} -> {'a.b': 1}."""
  items = {}
  for key, value in tree.items():
    items.update(flat(value, f'{prefix}{key}.') if isinstance(value, dict)
                 else {prefix + key: value})
  return items
