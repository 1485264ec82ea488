"""Built clips datasets -> one array-like of clips with a table of what is where."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Int

from cemnet_jax import crops, fingerprints
from cemnet_jax.data.digest import DIGEST, dataset_digest
from cemnet_jax.data.folders import SPLITS, UNREADABLE, dataset_path, emotion_reader, load_records
from cemnet_jax.errors import UserError
from cemnet_jax.files import whole
from cemnet_jax.topology import EMOTIONS, LABELS, SAMPLES_PER_FRAME

CACHE_LIMIT = 2 << 30  # datasets under 2 GiB keep their parsed records in memory
INDEX = 'index.npz'  # the cached table, beside the records
SHARED_SPEAKERS = ('file', 'clip', 'labels')  # `split_by` of datasets that may share speakers
TEXTS = ('id', 'speaker', 'sentence', 'transcript', 'source', 'sha256')
COLUMNS = ('speaker_index', 'emotion', 'intensity', 'num_frames',
           'id', 'speaker', 'sentence', 'transcript')


class _Part:
  """One dataset on disk: its splits as tfds data sources."""

  def __init__(self, data_dir, name):
    self.name = name
    self.path = dataset_path(data_dir, name)
    builder = load_records(self.path)
    info = builder.info
    if tuple(info.features['emotion'].names) not in (LABELS, EMOTIONS):
      raise UserError(f'dataset {name} in {self.path} labels other emotions than '
                      f'{", ".join(EMOTIONS)}: build it again with this version')
    self.metadata = dict(info.metadata or {})
    self._emotions = emotion_reader(info)
    self.num_train_speakers = int(self.metadata['train_speakers'])
    self.sizes = {s: info.splits[s].num_examples for s in SPLITS if s in info.splits}
    try:
      self._sources = {s: builder.as_data_source(s) for s, n in self.sizes.items() if n}
    except UNREADABLE as error:
      raise self._damaged('its files', error) from error
    self.version = str(info.version)
    self._mark = json.dumps([name, self.version, self.sizes, self.metadata.get(DIGEST)])

  def read(self, split: str, index: int) -> dict:
    """One record as `Clips` gives it; UserError when it is damaged."""
    try:
      clip = _parse(self._sources[split][index])
    except UNREADABLE as error:
      raise self._damaged(f'record {index} of {split}', error) from error
    return clip | {'emotion': self._emotions(clip['emotion'], clip['intensity'])}

  def _damaged(self, what, error):
    return UserError(f'dataset {self.name} in {self.path}: {what} cannot be read '
                     f'({" ".join(str(error).split())[:200]}); `cemnet data verify --data DATA '
                     f'--dataset {self.name}` names all that is damaged; build it again')

  def table(self):
    """Columns of all records in split order, cached beside the dataset."""
    columns = self._indexed()
    # What is cached may be older than the label `unknown`.
    return columns | {'emotion': self._emotions(columns['emotion'], columns['intensity'])}

  def _indexed(self):
    file = self.path / INDEX
    if file.is_file():
      with np.load(file, allow_pickle=False) as stored:
        if str(stored['fingerprint']) == self._mark and set(COLUMNS) <= set(stored.files):
          return {k: stored[k] for k in COLUMNS}
    rows = [_labels(self.read(s, i)) for s in self._sources for i in range(self.sizes[s])]
    columns = {k: np.array([row[k] for row in rows]) for k in COLUMNS}
    # A read-only dataset is indexed anew each time.
    with contextlib.suppress(OSError), whole(file, '.npz') as beside:
      np.savez_compressed(beside, fingerprint=self._mark, **columns)
    return columns


class Clips:
  """Clips of one dataset, or of several joined by '+', under one global index.

  The index runs over the splits in the order of `SPLITS` and, within a split, over the datasets.

  Attributes:
    table: column name -> (len(self),) array: speaker_index, emotion, intensity, num_frames, id,
      speaker, sentence, transcript.
    ranges: split -> range of global indices.
    num_train_speakers: `table['speaker_index']` of a training clip is below this.
    metadata: of the first dataset.
  """

  def __init__(self, data_dir, name: str):
    self.data_dir, self.name = Path(data_dir), name
    self._parts = [_Part(data_dir, n) for n in name.split('+')]
    self.metadata = self._parts[0].metadata
    self.num_train_speakers = sum(p.num_train_speakers for p in self._parts)
    self._where, self.ranges = [], {}  # global index -> (part, split, record)
    for split in SPLITS:
      first = len(self._where)
      for number, part in enumerate(self._parts):
        self._where += [(number, split, i) for i in range(part.sizes.get(split, 0))]
      self.ranges[split] = range(first, len(self._where))
    self.table = self._join_tables()
    size = sum(f.stat().st_size for p in self._parts for f in p.path.glob('*.array_record*'))
    self._cache = {} if size < CACHE_LIMIT else None

  def __len__(self):
    return len(self._where)

  def __getitem__(self, index: int) -> dict:
    """One clip: numpy arrays, str texts, and `frames` as a list of JPEG byte strings."""
    index = int(index)
    if self._cache is not None and index in self._cache:
      return self._cache[index]
    part, split, record = self._where[index]
    clip = self._parts[part].read(split, record)
    clip['speaker_index'] = int(self.table['speaker_index'][index])
    if self._cache is not None:
      self._cache[index] = clip
    return clip

  @property
  def crop(self) -> str:
    """The rule of the crops, see `cemnet_jax.crops`; UserError where joined datasets have two."""
    rules = {part.name: crops.of_metadata(part.metadata) for part in self._parts}
    crops.check(rules, f'{self.name} cannot be seen together; choose datasets of one rule')
    return rules[self._parts[0].name]

  @property
  def without_people(self) -> list[str]:
    """The datasets in which two speakers may be one person; none of them if all name people."""
    return [p.name for p in self._parts
            if not p.metadata.get('speakers_are_people', p.name.split('/')[0] != 'lrs2')]

  def identity(self) -> dict[str, str]:
    """Name -> version and digest of each dataset; reads one whole whose metadata have no digest."""
    return {part.name: fingerprints.of_dataset(part.version, dataset_digest(part.path))
            for part in self._parts}

  def people(self, split: str) -> set[str]:
    """Who speaks in a split, named alike in every dataset of the same people.

    Datasets of one builder (MEAD's cameras, the synthetic worlds) share their people; what folders
    of own clips are called says nothing about who is in them.
    """
    return {f'{_scope(self._parts[self._where[i][0]].name)}/{self.table["speaker"][i]}'
            for i in self.ranges[split]}

  def held_out(self, splits: Iterable[str]) -> set[str]:
    """People of the given splits whom no training may know; none where splits share people."""
    if self.metadata.get('split_by') in SHARED_SPEAKERS:
      return set()
    return set().union(*(self.people(s) for s in splits if s in ('val', 'test')))

  def lengths(self) -> Int[np.ndarray, ' N']:
    """Video frames that each clip lasts: by its sound where it holds no pictures."""
    frames = self.table['num_frames'].copy()
    for i in np.flatnonzero(frames == 0):
      frames[i] = len(self[i]['audio']) // SAMPLES_PER_FRAME
    return frames

  def __reduce__(self):
    # Loader processes open the files themselves: neither readers nor the cache travel.
    return Clips, (str(self.data_dir), self.name)

  def _join_tables(self):
    tables = [part.table() for part in self._parts]
    offsets = np.cumsum([0] + [len(t['id']) for t in tables])
    starts = {}
    for number, part in enumerate(self._parts):
      start = offsets[number]
      for split, n in part.sizes.items():
        starts[number, split] = start
        start += n
    order = np.array([starts[number, split] + i for number, split, i in self._where], np.int64)
    table = {k: np.concatenate([t[k] for t in tables])[order] for k in COLUMNS}
    owner = np.array([number for number, _, _ in self._where])
    table['speaker_index'] = self._joint_speakers(table['speaker_index'], owner)
    return table

  def _joint_speakers(self, local, owner):
    # Train speakers of every part come first, then everyone else, each in the order of the parts.
    trains = np.array([p.num_train_speakers for p in self._parts])
    others = np.array([max(0, int(local[owner == n].max(initial=-1)) + 1 - trains[n])
                       for n in range(len(self._parts))])
    train_base = np.cumsum(trains) - trains
    other_base = trains.sum() + np.cumsum(others) - others
    return np.where(local < trains[owner], train_base[owner] + local,
                    other_base[owner] + local - trains[owner]).astype(np.int32)


def _scope(name: str) -> str:
  builder = name.split('/')[0]
  return name if builder == 'clip_folder' else builder


def labels(record: dict) -> dict:
  """`COLUMNS` of one record as tfds reads it, without its pictures and arrays."""
  return _labels(_parse(record))


def _labels(clip):
  return {k: np.int32(len(clip['frames'])) if k == 'num_frames' else clip[k] for k in COLUMNS}


def _parse(record):
  clip = {k: v.decode() if k in TEXTS else v for k, v in record.items()}
  clip['frames'] = list(clip['frames'])
  return clip
