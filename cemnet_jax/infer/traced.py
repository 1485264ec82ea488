"""Traced programs, kept for the next process: of a warm start, tracing is the longest part."""

import contextlib
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import flax
import jax
import numpy as np
from jax import export

from cemnet_jax.files import cache_dir, whole
from cemnet_jax.train.process import keep_compiled_programs

_kept = False
PACKAGE = Path(__file__).parents[1]


def keep() -> None:
  """From now on traced and compiled programs are stored under `cache_dir`, and taken from there."""
  global _kept
  _kept = True
  keep_compiled_programs(seconds=0.1)


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
  fields, on the same kind of device, by the same JAX. A folder that cannot be written is no error.
  """
  file = cache_dir() / 'traced' / _source() / _name(function, net, arrays)
  stored = _read(file)
  if stored is None:
    made = export.export(jax.jit(lambda *arrays: function(net, *arrays)))(*arrays)
    stored = bytes(made.serialize())
    with contextlib.suppress(OSError), whole(file) as beside:
      beside.write_bytes(hashlib.sha256(stored).digest() + stored)
  # Read again even when it was just made: the same bytes have the same compiled program kept.
  return export.deserialize(bytearray(stored))


def _read(file: Path) -> bytes | None:
  """What is stored in the file; None where there is none, or it was damaged."""
  try:
    whole = file.read_bytes()
  except OSError:
    return None
  size = hashlib.sha256().digest_size
  return whole[size:] if hashlib.sha256(whole[size:]).digest() == whole[:size] else None


def _name(function, net, arrays) -> str:
  leaves, tree = jax.tree.flatten(arrays)
  parts = (function.__qualname__, repr(net), tree, leaves, jax.default_backend(),
           jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision)
  return hashlib.sha256('\n'.join(map(str, parts)).encode()).hexdigest()


@functools.cache
def _source() -> str:
  """Digest of all that a trace depends on but for its arguments: our source, and libraries."""
  versions = (module.__version__ for module in (jax, flax, np))
  digest = hashlib.sha256(' '.join(versions).encode())
  for file in sorted(PACKAGE.rglob('*.py')):
    digest.update(file.read_bytes())
  return digest.hexdigest()[:16]
