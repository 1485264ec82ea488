"""Configs of data for the tests of this folder."""

import json
from pathlib import Path

from array_record.python.array_record_module import ArrayRecordReader
from ml_collections import ConfigDict

from cemnet_jax.data.pipeline import make_dataset


def config(kind, **fields):
  """A data config over the debug world that has what `kind` needs."""
  world = 'lrs_debug' if kind == 'speech' else 'mead_debug'
  return ConfigDict({'dataset': f'synth_mead/{world}', 'kind': kind, 'image_size': 32, **fields})


def batches(cfg, data_dir, split='train', seed=7, batch_size=8, train=True, **processes):
  """`make_dataset` with small defaults."""
  return make_dataset(cfg, data_dir, split, seed=seed, batch_size=batch_size, train=train,
                      **processes)


def say_crop(dataset: Path, rule: str) -> None:
  """Writes into a dataset's metadata that its crops follow the face by this rule."""
  [file] = dataset.glob('*/metadata.json')
  file.write_text(json.dumps({**json.loads(file.read_text()), 'crop': rule}))


def flip_middle(file) -> int:
  """Flips the byte in the middle of an ArrayRecord file; the index of the record it lies in."""
  data = bytearray(file.read_bytes())
  data[len(data) // 2] ^= 255
  file.write_bytes(data)
  reader = ArrayRecordReader(str(file))
  (broken,) = [i for i in range(reader.num_records()) if not _readable(reader, i)]
  return broken


def _readable(reader, index):
  try:
    return bool(reader.read([index]))
  except (RuntimeError, ValueError, IndexError):
    return False
