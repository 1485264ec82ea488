"""The digest of a built dataset's content, which its metadata carry from the day it is built."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cemnet_jax import fingerprints
from cemnet_jax.data.folders import SPLITS, UNREADABLE, load_records
from cemnet_jax.errors import UserError
from cemnet_jax.files import write_text
from cemnet_jax.preprocess.parallel import ordered_map

DIGEST = 'digest'  # in the metadata: sha256 of all records, as `cemnet data verify` prints it
METADATA = 'metadata.json'  # tfds' file of them
CHUNK = 64  # records that a process reads at a time


def record_digest(record: Mapping) -> bytes:
  """sha256 over names, dtypes, shapes and bytes of all fields, in the order of their names."""
  digest = hashlib.sha256()
  for name in sorted(record):
    parts = record[name] if isinstance(record[name], list) else [record[name]]
    digest.update(f'{name} {len(parts)}\n'.encode())
    for part in parts:
      array = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else np.asarray(part)
      digest.update(f'{array.dtype} {array.shape}\n'.encode())
      digest.update(array.tobytes())
  return digest.digest()


def known_digest(path: Path) -> str:
  """The digest that a dataset's metadata carry; '' where they do not."""
  file = Path(path) / METADATA
  return json.loads(file.read_text()).get(DIGEST, '') if file.is_file() else ''


def dataset_digest(path: Path, processes: int = 1) -> str:
  """The digest of a built dataset; one without is read once, and its metadata carry it then.

  Args:
    path: its folder.
    processes: how many read; their number changes nothing.

  Raises:
    UserError: a record cannot be read.
  """
  known = known_digest(path)
  if known:
    return known
  digest = fingerprints.of_records(_record_digests(Path(path), processes))
  with contextlib.suppress(OSError):  # a read-only dataset is read anew each time
    _write(Path(path) / METADATA, digest)
  return digest


def _record_digests(path: Path, processes: int) -> Iterator[bytes]:
  splits = load_records(path).info.splits
  tasks = [(path, split, range(start, min(start + CHUNK, splits[split].num_examples)))
           for split in SPLITS if split in splits
           for start in range(0, splits[split].num_examples, CHUNK)]
  for found in ordered_map(_chunk_digests, tasks, min(processes, len(tasks))):
    yield from found


def _chunk_digests(task) -> list[bytes]:
  path, split, indices = task
  source = load_records(path).as_data_source(split)
  try:
    return [record_digest(source[index]) for index in indices]
  except UNREADABLE as error:
    raise UserError(f'{path}: a record of {split} cannot be read '
                    f'({" ".join(str(error).split())[:200]}); `cemnet data verify` names all that '
                    'is damaged; build it again') from error


def _write(file: Path, digest: str) -> None:
  metadata = json.loads(file.read_text()) if file.is_file() else {}
  write_text(file, json.dumps({**metadata, DIGEST: digest}))
