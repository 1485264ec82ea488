"""What generation needs of a trained system in two files: its configs, and its weights in halves.

Such a folder stands wherever the workdir of a trained system does. It reads in a moment, without
Orbax, and is a quarter of the checkpoints' size or less.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict

from cemnet_jax.errors import UserError

Tree = Any
CONTENTS = 'export.json'  # says what an exported folder holds; here the configs too
WEIGHTS = 'weights.safetensors'  # its presence tells this form
SMALLEST = float(np.finfo(np.float16).tiny)
# The net of each stage that generation reads, where it does not read them all.
NETS = {'audio2mouth': 'a2m', 'aee': 'emotion', 'image_emotion': 'image_emotion',
        'identity': 'identity', 'renderer': 'generator', 'ebm': 'memory', 'ebm_direct': 'memory',
        'ebm_no_aee': 'memory'}


def is_compact(folder: str | Path) -> bool:
  """Whether a folder holds a system in this form."""
  return (Path(folder) / WEIGHTS).is_file()


def write(folder: Path, stages: Mapping[str, tuple[Tree, dict]]) -> dict[str, Any]:
  """Writes the weights of {stage: (its params and stats, its config)}; see `read`.

  Returns:
    What CONTENTS must hold beside whatever else it says.
  """
  halved = {name: x.astype(np.float16) if _has_half(name, x) else x
            for name, x in _arrays(stages).items()}
  safetensors.numpy.save_file(halved, folder / WEIGHTS)
  return {'configs': {name: config for name, (_, config) in stages.items()}}


def difference(path: Path, stages: Mapping[str, tuple[Tree, dict]]) -> float:
  """The largest difference between what was written and what the file holds, relative to it or to
  the smallest normal number in half precision."""
  read, written = safetensors.numpy.load_file(path), _arrays(stages)
  assert read.keys() == written.keys()
  return max(float((np.abs(read[name] - x) / np.maximum(np.abs(x), SMALLEST)).max())
             for name, x in written.items())


def read(folder: str | Path) -> Callable[[str], tuple[Tree, dict]]:
  """Stage -> ({'params': {net: tree}, 'stats': {net: tree}} in single precision, its config).

  Raises:
    UserError: a file that is damaged; and, when it is asked for, a stage that is not there.
  """
  folder = Path(folder)
  try:
    arrays = safetensors.numpy.load_file(folder / WEIGHTS)
    configs = json.loads((folder / CONTENTS).read_text())['configs']
  except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
    raise UserError(f'{folder}: cannot be read as an exported system ({error}); export it again'
                    ) from error
  trees = unflatten_dict({name: _whole(x) for name, x in arrays.items()}, sep='/')

  def stage(name: str) -> tuple[Tree, dict]:
    if name not in configs:
      raise UserError(f'{folder}: this exported system holds no stage {name}, only '
                      f'{", ".join(sorted(configs))}; choose another --system')
    return {'params': {}, 'stats': {}} | trees.get(name, {}), configs[name]

  return stage


def _arrays(stages) -> dict[str, np.ndarray]:
  """'stage/params or stats/net/...' -> what generation reads of it."""
  arrays = {}
  for name, (trained, _) in stages.items():
    others = trained['params'].keys() - {NETS[name]} if name in NETS else set()
    kept = {part: {key: x for key, x in trained[part].items() if key not in others}
            for part in ('params', 'stats')}
    arrays |= flatten_dict({name: kept}, sep='/')
  return {name: np.asarray(x) for name, x in arrays.items()}


def _has_half(name, x):
  """Kernels have; vectors, of which there are few, and statistics stay whole."""
  return name.split('/')[1] == 'params' and x.dtype == np.float32 and x.ndim > 1


def _whole(x: np.ndarray) -> np.ndarray:
  return x.astype(np.float32) if x.dtype == np.float16 else x
