"""The small trained system that comes with the package, for videos without any training.

Its files are what `cemnet export --format compact` writes; docs/training.md says how they were
made.
"""

from pathlib import Path

from cemnet_jax.errors import UserError
from cemnet_jax.weights import compact

FOLDER = Path(__file__).parent / 'default_system'


def folder() -> Path:
  """Where it is; stands wherever the workdir of a trained system `cemnet` does.

  Raises:
    UserError: this copy of the package came without it.
  """
  if not compact.is_compact(FOLDER):
    raise UserError(f'{FOLDER}: the system that comes with the package is missing; install the '
                    'package anew, or train one (`make quickstart`) and give --system-dir')
  return FOLDER
