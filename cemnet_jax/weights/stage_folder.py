"""Imported weights as a stage's folder, as training would have left it: config and checkpoint."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from cemnet_jax.errors import UserError
from cemnet_jax.files import unwritable, whole_folder
from cemnet_jax.train import ckpt
from cemnet_jax.train.state import TrainState

Tree = Any
STEP = 0  # of a checkpoint that no step of ours made


def write_stage(folder: str | Path, config: dict, nets: dict[str, Tree],
                statistics: dict[str, Tree] | None = None) -> None:
  """Writes beside and renames, so that an import cut short leaves no folder.

  Args:
    folder: new, such as WORKDIR/syncnet.
    config: what readers of the stage ask for, at least `stage`, `model`, `data`, and `imported`,
      which says where the weights are from.
    nets: {net: linen variables}.
    statistics: other arrays that readers expect among the stage's statistics.

  Raises:
    UserError: the folder is there, or cannot be made.
  """
  state = TrainState(
    step=STEP, params={name: net['params'] for name, net in nets.items()}, opt={}, ema={},
    stats={name: net.get('batch_stats', {}) for name, net in nets.items()} | (statistics or {}))
  with written_whole(folder) as beside:
    ckpt.write_json(beside / ckpt.CONFIG, config)
    # Later stages ask for the end of this one.
    ckpt.write_json(beside / ckpt.DONE, {'stage': config['stage'], 'step': STEP, 'steps': STEP,
                                    'early_stopped': False, 'imported': config['imported']})
    with ckpt.Checkpoints(beside, writes=True) as checkpoints:
      checkpoints.save(jax.device_put(state), STEP, score=None, metadata={})
      checkpoints.wait()


@contextlib.contextmanager
def written_whole(folder: str | Path) -> Iterator[Path]:
  """An empty folder to write into, which becomes `folder` at the end and goes on an error.

  Raises:
    UserError: `folder` is there, or cannot be made.
  """
  folder = Path(folder)
  check_free(folder)
  try:
    with whole_folder(folder) as beside:
      yield beside
  except OSError as error:
    raise unwritable(folder, error) from error


def check_free(folder: str | Path) -> None:
  """UserError where something has that name."""
  if Path(folder).exists():
    raise UserError(f'{folder}: is there already; remove it or give another --out')
