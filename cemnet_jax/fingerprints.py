"""What a number was made of: digests of data, weights and code, and how to compare them.

A fingerprint is the first 16 hexadecimal digits of a sha256. A stage's covers its parameters, its
config, its data and the fingerprints of every frozen stage, so that it stands for a whole chain.
"""

import functools
import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cemnet_jax.errors import UserError

DIGITS = 16
PACKAGE = Path(__file__).resolve().parent
UNKNOWN = 'unknown'


def of_value(value: Any) -> str:
  """Of anything that JSON can hold; the order of keys does not matter."""
  return _short(hashlib.sha256(json.dumps(value, sort_keys=True).encode()))


def of_arrays(arrays: Mapping[str, Any]) -> str:
  """Of names, dtypes, shapes and values; the order of names does not matter."""
  total = hashlib.sha256()
  for name in sorted(arrays):
    array = np.ascontiguousarray(arrays[name])
    total.update(f'{name} {array.dtype} {array.shape}\n'.encode())
    total.update(array.tobytes())
  return _short(total)


def of_file(path: str | Path) -> str:
  """Of a file's bytes."""
  with open(path, 'rb') as file:
    return _short(hashlib.file_digest(file, 'sha256'))


def of_records(digests: Iterable[bytes]) -> str:
  """All 64 digits of a dataset, from the digests of its records in order."""
  total = hashlib.sha256()
  for digest in digests:
    total.update(digest)
  return total.hexdigest()


def of_dataset(number: str, digest: str) -> str:
  """One line for a dataset: its version and the start of its content's digest."""
  return f'{number} {digest[:DIGITS]}'


def of_stage(parameters: str, config: Mapping, identity: Mapping[str, str]) -> str:
  """Of a trained stage.

  Args:
    parameters: `of_arrays` of what later stages read of it.
    config: without what a resumed run may change.
    identity: what it was made of, by name: datasets, frozen stages, files.
  """
  return of_value([parameters, config, identity])


def differences(old: Mapping, new: Mapping) -> list[str]:
  """'name old -> new' of everything that both know and that differs, in the order of names."""
  return [f'{name} {old[name]} -> {new[name]}' for name in sorted(old.keys() & new.keys())
          if old[name] != new[name]]


def check_same(what: str, old: Mapping, new: Mapping, place: str | Path) -> None:
  """UserError where `old`, which a run at `place` began with, and `new` differ in any name."""
  changed = [f'{key} {old.get(key)!r} -> {new.get(key)!r}' for key in sorted({*old, *new})
             if old.get(key) != new.get(key)]
  if changed:
    raise UserError(f'{place}: {what} changed since this run began ({"; ".join(changed[:4])}); '
                    'take another --workdir or delete this one')


@functools.cache
def source() -> dict[str, Any]:
  """This program: its version, its commit and whether that was changed, a digest of its sources.

  The commit is 'unknown' outside of a checkout.
  """
  files = {path.relative_to(PACKAGE).as_posix(): np.frombuffer(path.read_bytes(), np.uint8)
           for path in PACKAGE.rglob('*.py')}
  return {'version': version('cemnet_jax'), 'commit': _git('rev-parse', 'HEAD') or UNKNOWN,
          'changed': bool(_git('status', '--porcelain', '--untracked-files=no')),
          'sources': of_arrays(files)}


def _git(*arguments) -> str:
  if not (PACKAGE.parent / '.git').exists():
    return ''
  try:
    done = subprocess.run(['git', '-C', PACKAGE, *arguments], capture_output=True, text=True)
  except OSError:
    return ''
  return done.stdout.strip()


def _short(digest) -> str:
  return digest.hexdigest()[:DIGITS]
