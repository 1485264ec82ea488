"""Records straight into shards, for builders whose records come in the order of their keys.

tfds' own writer keeps a whole split in memory, and past 1000 MiB moves it to files with TensorFlow,
which this project does without.
"""

import contextlib
import math

from array_record.python.array_record_module import ArrayRecordWriter
from tensorflow_datasets.core import writer as tfds_writer

# Within tfds' own 64 MiB to 1 GiB: 640 files for the largest set, 171 GB, each quick to copy.
SHARD_BYTES = 256 << 20
OPTIONS = 'group_size:1'  # as tfds writes ArrayRecord: each record can be read by itself


class StreamWriter:
  """Writes one split as `tfds.core.writer.Writer` does, unshuffled and without keeping records.

  A shard ends with the record that brings it to SHARD_BYTES, so the shards follow from the records.
  They have temporary names until all are written. A build that fails takes them with it: they lie
  in the incomplete folder that tfds removes.

  Args:
    serializer: of tfds; makes bytes of an example.
    filename_template: names the shards and their folder.
    **unused: what tfds passes on shuffling and on the number of shards.
  """

  def __init__(self, serializer, filename_template, **unused):
    self._serializer = serializer
    self._template = filename_template
    self._file = None  # the shard being written
    self._lengths, self._sizes = [], []  # records and bytes of each shard
    self._last_key = -math.inf

  def write(self, key: int, example) -> None:
    """Adds a record.

    Raises:
      ValueError: `key` is not above all keys before it.
      OSError: writing fails, which is noticed when a shard ends.
    """
    if key <= self._last_key:
      raise ValueError(f'split {self._template.split}: the record with key {key} comes after that '
                       f'with key {self._last_key}, but keys must rise')
    self._last_key = key
    record = self._serializer.serialize_example(example)
    if self._file is None:
      self._file = ArrayRecordWriter(str(self._unnamed(len(self._lengths))), OPTIONS)
      self._lengths.append(0)
      self._sizes.append(0)
    self._file.write(record)
    self._lengths[-1] += 1
    self._sizes[-1] += len(record)
    if self._sizes[-1] >= SHARD_BYTES:
      self._close()

  def finalize(self) -> tuple[list[int], int]:
    """Gives the shards their names; number of records of each, and bytes of all records.

    Raises:
      ValueError: there is no record.
      OSError: writing fails.
    """
    if not self._lengths:
      raise ValueError('it has no records')
    if self._file is not None:
      self._close()
    for index, path in enumerate(self._template.sharded_filepaths(len(self._lengths))):
      self._unnamed(index).rename(path)
    return self._lengths, sum(self._sizes)

  def _unnamed(self, index):
    """Path of a shard while the number of shards, a part of their names, is not known."""
    return self._template.data_dir / f'{self._template.split}-{index:05d}.tmp'

  def _close(self):
    try:
      self._file.close()
    except RuntimeError as error:  # so ArrayRecord says that the disk is full, and only here
      raise OSError(error) from error
    self._file = None


@contextlib.contextmanager
def streaming():
  """While it is open, tfds builds every split that is made by a generator with `StreamWriter`."""
  # The one hook there is: tfds' SplitBuilder takes the class from this module by its name, and the
  # hook of builders, `_example_writer`, gets the records once all of a split are in memory.
  original = tfds_writer.Writer
  tfds_writer.Writer = StreamWriter
  try:
    yield
  finally:
    tfds_writer.Writer = original
