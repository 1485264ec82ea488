"""Functions of inference as StableHLO files by `jax.export`; only jax is needed to run them.

Weights are constants in the program: one file is all that a server needs, no two files can be
paired wrongly, and weights that a function does not use are left out. Together the files are about
as large as the weights.
"""

from pathlib import Path

import jax
import numpy as np
from jax import export

from cemnet_jax.infer.functions import Function, some_inputs

SUFFIX = '.stablehlo'
PLATFORMS = ('cpu', 'cuda', 'tpu')


def write(path: Path, function: Function) -> None:
  """Writes `function`, lowered for all of `PLATFORMS` and for any size that has a letter."""
  scope = export.SymbolicScope()
  specs = [jax.ShapeDtypeStruct(_shape(shape, scope), dtype)
           for dtype, shape in function.inputs.values()]
  path.write_bytes(export.export(jax.jit(function.call), platforms=PLATFORMS)(*specs).serialize())


def difference(path: Path, function: Function) -> float:
  """The file against `function` on random inputs: the largest difference of any output.

  It is relative to the output's largest magnitude. Pictures are rounded to 8 bits, so one level
  more or less counts as none.
  """
  inputs = some_inputs(function)
  read = export.deserialize(bytearray(path.read_bytes()))
  pairs = zip(jax.jit(read.call)(*inputs), jax.jit(function.call)(*inputs), strict=True)
  return max(_relative(np.asarray(theirs), np.asarray(ours)) for theirs, ours in pairs)


def _relative(theirs: np.ndarray, ours: np.ndarray) -> float:
  level = 1.0 if ours.dtype == np.uint8 else 0.0
  apart = np.abs(theirs.astype(np.float64) - ours).max() - level
  # Without a number the comparison is false, and the difference infinite.
  return float(max(apart, 0.0) / max(np.abs(ours).max(), 1e-30)) if apart < np.inf else np.inf


def _shape(shape, scope) -> tuple:
  return export.symbolic_shape(', '.join(map(str, shape)), scope=scope)
