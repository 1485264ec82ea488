"""Splits of any size are written in order, in shards, without keeping records or TensorFlow."""

import itertools
import sys
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordReader
from tensorflow_datasets.core import naming, shuffle
from tensorflow_datasets.core import writer as tfds_writer

from cemnet_jax.errors import UserError
from tfds_builders import stream
from tfds_builders.build import build

AS_IT_IS = SimpleNamespace(serialize_example=lambda example: example)


def noise(count, size=1000):
  """Records of various lengths around `size` bytes that do not compress."""
  random = np.random.default_rng(0)
  return [random.bytes(int(n)) for n in random.integers(size // 2, size * 3 // 2, count)]


def write_split(writer_class, folder, records):
  """Files of the split and what `finalize` returns."""
  folder.mkdir()
  writer = writer_class(
    serializer=AS_IT_IS, hash_salt='train', disable_shuffling=True,
    example_writer=tfds_writer.ExampleWriter(tfds.core.FileFormat.ARRAY_RECORD),
    filename_template=naming.ShardedFileTemplate(
      folder, dataset_name='made', split='train', filetype_suffix='array_record'))
  for key, record in enumerate(records):
    writer.write(key, record)
  found = writer.finalize()
  return sorted(folder.iterdir()), found


def read_split(files):
  """Raw records of each file."""
  return [ArrayRecordReader(str(file)).read_all() for file in files]


class Rows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """One split of (key, vector) as the list `rows` has them; an exception among them is raised."""

  VERSION = tfds.core.Version('1.0.0')
  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name='few')]

  def __init__(self, rows, shuffled=False, **settings):
    self._rows, self._shuffled = rows, shuffled
    super().__init__(**settings)

  def _info(self):
    vector = tfds.features.Tensor(shape=(None,), dtype=np.uint8, encoding='bytes')
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({'x': vector}),
                                 disable_shuffling=not self._shuffled)

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples()}

  def _generate_examples(self):
    for row in self._rows:
      if isinstance(row, BaseException):
        raise row
      yield row[0], {'x': row[1]}


def vectors(count, size=1000):
  return [(key, np.frombuffer(record, np.uint8)) for key, record in enumerate(noise(count, size))]


def build_rows(data, rows, **settings):
  return build(Rows, data, 'few', lambda line: None, rows=rows, **settings)


def test_shards_end_where_they_are_full(tmp_path, monkeypatch):
  monkeypatch.setattr(stream, 'SHARD_BYTES', 30)
  records = [b'a' * 10, b'b' * 20, b'c' * 29, b'd' * 29, b'e' * 100, b'f']
  files, (lengths, size) = write_split(stream.StreamWriter, tmp_path / 'split', records)
  assert read_split(files) == [records[:2], records[2:4], [records[4]], [records[5]]]
  assert lengths == [2, 2, 1, 1] and size == sum(map(len, records))
  assert [f.name for f in files] == [f'made-train.array_record-{i:05d}-of-00004' for i in range(4)]


def test_records_and_shard_are_those_of_the_writer_of_tfds(tmp_path, monkeypatch):
  records = noise(200)
  (file,), found = write_split(stream.StreamWriter, tmp_path / 'stream', records)
  (other,), expected = write_split(tfds_writer.Writer, tmp_path / 'tfds', records)
  assert found == expected
  assert file.name == other.name and file.read_bytes() == other.read_bytes()

  monkeypatch.setattr(stream, 'SHARD_BYTES', 20_000)
  files, (lengths, size) = write_split(stream.StreamWriter, tmp_path / 'shards', records)
  assert len(files) == len(lengths) > 5 and size == expected[1]
  assert [len(part) for part in read_split(files)] == lengths
  assert list(itertools.chain(*read_split(files))) == read_split([other])[0]


def test_a_build_is_read_in_any_order_and_needs_no_tensorflow(tmp_path, monkeypatch):
  monkeypatch.setattr(stream, 'SHARD_BYTES', 20_000)
  monkeypatch.setattr(shuffle, 'MAX_MEM_BUFFER_SIZE', 20_000)  # tfds' writer would use TensorFlow
  loaded = 'tensorflow' in sys.modules
  rows = vectors(100)
  folder = build_rows(tmp_path, rows)
  assert loaded or 'tensorflow' not in sys.modules
  builder = tfds.builder_from_directory(folder)
  source, info = builder.as_data_source('train'), builder.info.splits['train']
  assert len(source) == info.num_examples == 100 and info.num_shards > 3
  names = {p.name for p in folder.iterdir()}
  assert names == {*info.filenames, 'dataset_info.json', 'features.json', 'metadata.json'}
  for i in np.random.default_rng(1).permutation(100):
    assert (source[i]['x'] == rows[i][1]).all()
  assert (builder.as_data_source('train[90:95]')[2]['x'] == rows[92][1]).all()


def test_memory_does_not_grow_with_the_split(tmp_path):
  def peak(count):
    rows = ((key, np.full(100_000, key, np.uint8)) for key in range(count))
    tracemalloc.start()
    try:
      build_rows(tmp_path / str(count), rows)
      return tracemalloc.get_traced_memory()[1]
    finally:
      tracemalloc.stop()

  peak(1)  # imports
  assert peak(200) < peak(20) + 500_000  # of 18 MB


@pytest.mark.parametrize('keys', [(0, 2, 1), (0, 1, 1)])
def test_keys_must_rise(tmp_path, keys):
  rows = [(key, np.zeros(5, np.uint8)) for key in keys]
  with pytest.raises(ValueError, match=f'train: .* key 1 comes after .* {keys[1]}, but keys must'):
    build_rows(tmp_path, rows)
  assert not list(tmp_path.rglob('*1.0.0*'))


def test_a_split_without_records_is_refused(tmp_path):
  with pytest.raises(ValueError, match='"train": it has no records'):
    build_rows(tmp_path, [])


def test_an_interrupted_build_leaves_nothing_and_the_next_is_whole(tmp_path, monkeypatch):
  monkeypatch.setattr(stream, 'SHARD_BYTES', 20_000)
  rows = vectors(100)
  with pytest.raises(KeyboardInterrupt):
    build_rows(tmp_path / 'a', [*rows[:70], KeyboardInterrupt(), *rows[70:]])
  assert not list((tmp_path / 'a').rglob('*1.0.0*'))
  assert tfds_writer.Writer is not stream.StreamWriter
  again, other = (build_rows(tmp_path / name, rows) for name in ('a', 'b'))
  assert [(p.name, p.read_bytes()) for p in sorted(again.glob('*array_record*'))] == [
    (p.name, p.read_bytes()) for p in sorted(other.glob('*array_record*'))]


def test_a_full_disk_is_told(tmp_path, monkeypatch):
  monkeypatch.setattr(stream.StreamWriter, '_unnamed', lambda self, index: '/dev/full')
  with pytest.raises(UserError, match=r'cannot write datasets to .*No space left.*free space'):
    build_rows(tmp_path, vectors(100))
  assert not list(tmp_path.rglob('*1.0.0*'))


def test_a_builder_that_shuffles_is_written_by_tfds(tmp_path):
  rows = vectors(20)
  source = tfds.builder_from_directory(build_rows(tmp_path, rows, shuffled=True)
                                       ).as_data_source('train')
  read = [record['x'].tobytes() for record in source]
  made = [x.tobytes() for _, x in rows]
  assert read != made and sorted(read) == sorted(made)
