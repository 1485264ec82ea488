"""Traced programs, kept for the next process: of a warm start, tracing is the longest part."""

import functools
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from jax import export

from cemnet_jax.train.process import cache_dir

_kept = False
PACKAGE = Path(__file__).parents[1]


def keep() -> None:
  """From now on traced programs are stored under `cache_dir`, and taken from there."""
  global _kept
  _kept = True


def kept() -> bool:
  """Whether they are."""
  return _kept


def storable(kind: type) -> type:
  """Lets arguments and results of kept programs hold this NamedTuple; returns it."""
  name = f'{kind.__module__}.{kind.__name__}'
  export.register_namedtuple_serialization(kind, serialized_name=name)
  return kind


def program(function: Callable, net, arrays: tuple) -> export.Exported:
  """`function(net, *arrays)` as a program of arrays with these shapes and types.

  It is traced unless one is found that was traced by the same source, of a module of the same
  fields, on the same kind of device, by the same JAX.
  """
  file = cache_dir() / 'traced' / _source() / _name(function, net, arrays)
  if not file.is_file():
    made = export.export(jax.jit(lambda *arrays: function(net, *arrays)))(*arrays)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f'.{file.name}.{os.getpid()}.{threading.get_ident()}')
    scratch.write_bytes(made.serialize())
    os.replace(scratch, file)
  # Read again even when it was just made: the same bytes have the same compiled program kept.
  return export.deserialize(bytearray(file.read_bytes()))


def _name(function, net, arrays) -> str:
  leaves, tree = jax.tree.flatten(arrays)
  parts = (function.__qualname__, repr(net), tree, leaves, jax.default_backend(),
           jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision)
  return hashlib.sha256('\n'.join(map(str, parts)).encode()).hexdigest()


@functools.cache
def _source() -> str:
  """Digest of all that a trace depends on but for its arguments: our source, JAX and numpy."""
  digest = hashlib.sha256(f'{jax.__version__} {np.__version__}'.encode())
  for file in sorted(PACKAGE.rglob('*.py')):
    digest.update(file.read_bytes())
  return digest.hexdigest()[:16]
