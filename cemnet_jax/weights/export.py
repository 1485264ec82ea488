"""Weights as files for PyTorch: tensors by the names of the network that loads them."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict

from cemnet_jax.errors import UserError
from cemnet_jax.weights.export_tables import Counterpart
from cemnet_jax.weights.mapping import COUNTER, to_tensors, to_variables
from cemnet_jax.weights.torch_files import read_tensors

Tree = Any
MEAN = '.running_mean'  # of a BatchNorm, beside which PyTorch keeps a counter of batches
# Format -> suffix of its files; each is written by a package of the same name.
SUFFIXES = {'torch': '.pth', 'safetensors': '.safetensors'}


def check_package(name: str) -> None:
  """UserError where the package that writes the format `name` is missing."""
  if importlib.util.find_spec(name) is None:
    others = [other for other in SUFFIXES if other != name]
    raise UserError(f'--format {name} needs the package {name}: install it, or use --format '
                    f'{others[0]} or stablehlo')


def tensors_of(counterpart: Counterpart, variables: Tree) -> dict[str, np.ndarray]:
  """All tensors that `counterpart` asks for, counters of batches at zero."""
  tensors = to_tensors(counterpart.entries, variables) | counterpart.constants
  norms = [name.removesuffix(MEAN) for name in tensors if name.endswith(MEAN)]
  return tensors | {norm + COUNTER: np.zeros((), np.int64) for norm in norms}


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
  """A plain state dict as .pth, or the same as .safetensors."""
  _WRITERS[path.suffix]({name: np.array(x, order='C') for name, x in tensors.items()}, path)


def net_difference(path: Path, counterpart: Counterpart, variables: Tree) -> float:
  """The largest difference between `variables` and what the importer reads from the file."""
  shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), variables)
  constants = '|'.join(map(re.escape, counterpart.constants)) or None
  read = to_variables(counterpart.entries, read_tensors(path), shapes, str(path), constants)
  return _largest(flatten_dict(read), flatten_dict(variables))


def arrays_difference(path: Path, arrays: dict[str, np.ndarray]) -> float:
  """The same for arrays that belong to no net."""
  return _largest(read_tensors(path), arrays)


def _largest(read: dict, written: dict) -> float:
  assert read.keys() == written.keys()
  return max(float(np.abs(read[name] - np.asarray(x)).max()) for name, x in written.items())


def _write_torch(tensors, path) -> None:
  import torch  # optional: only this format needs it
  torch.save({name: torch.from_numpy(x) for name, x in tensors.items()}, path)


def _write_safetensors(tensors, path) -> None:
  safetensors.numpy.save_file(tensors, path)


_WRITERS = {'.pth': _write_torch, '.safetensors': _write_safetensors}
