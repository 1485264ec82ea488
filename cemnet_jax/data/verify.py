"""Re-reads every record of a built clips dataset and says what is wrong with it.

One problem is one line, `split index id: what`; the index counts records of the split.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from array_record.python.array_record_data_source import ArrayRecordDataSource
from tqdm import tqdm

from cemnet_jax.data.digest import known_digest, record_digest
from cemnet_jax.data.folders import SPLITS, UNREADABLE, dataset_path, emotion_reader, load_records
from cemnet_jax.data.pairs import pairs_over
from cemnet_jax.data.source import COLUMNS, INDEX, SHARED_SPEAKERS, Clips, labels
from cemnet_jax.data.verify_record import crop_size, record_problems
from cemnet_jax.preprocess.parallel import ordered_map
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME, UNKNOWN

CHUNK = 16  # records that a process checks at a time
EXCLUSIVE = ('train', 'val', 'test')  # a speaker is in one of these


class Report(NamedTuple):
  """What checking a dataset found: its size in words, one line a problem, sha256 of all records."""
  size: str
  problems: list[str]
  digest: str


class Checked(NamedTuple):
  """What checking one record found; `facts` is None where nothing more can be said about it."""
  id: str
  problems: list[str]
  digest: bytes
  facts: dict | None = None


class Place(NamedTuple):
  """One record: where it is and what the checks of the whole dataset need to know of it."""
  split: str
  index: int
  facts: dict

  def line(self, what: str) -> str:
    """A problem of this record."""
    return problem(self.split, self.index, self.facts['id'], what)


def problem(split: str, index: int, name: str, what: str) -> str:
  """The line of one problem of one record."""
  return f'{split} {index}{" " * bool(name)}{name}: {what}'


def verify_clips(data_dir, name: str, processes: int = 1) -> Report:
  """Checks every record of the clips dataset `name`, its files, its splits and its pins.

  Args:
    processes: how many read and decode; their number changes nothing.

  Raises:
    UserError: no such dataset, or one whose metadata cannot be read.
  """
  path = dataset_path(data_dir, name)
  info = load_records(path).info
  metadata = dict(info.metadata or {})
  counts = {s: info.splits[s].num_examples for s in SPLITS if s in info.splits}
  problems = file_problems(info)
  for pairs, pinned in pairs_over(data_dir, name).items():
    problems += pin_problems(pairs, pinned.metadata, name, counts, str(info.version), path)
  check = functools.partial(_check_clip, bool(metadata.get('audio_only')))
  emotions = emotion_reader(info)
  places, frames, digest = [], 0, hashlib.sha256()
  for split, index, checked in scan(path, counts, check, processes):
    digest.update(checked.digest)
    problems += [problem(split, index, checked.id, what) for what in checked.problems]
    if checked.facts:
      emotion = emotions(checked.facts['emotion'], checked.facts['intensity'])
      checked.facts['emotion'] = emotion
      places.append(Place(split, index, checked.facts))
      frames += checked.facts['frames']
  problems += dataset_problems(places, metadata)
  if not problems and (path / INDEX).is_file():  # else there is no such table, or none can be made
    problems = index_problems(path / INDEX, Clips(data_dir, name).table, places)
  problems = problems or digest_problems(path, digest.hexdigest())
  size = f'{sum(counts.values())} clips, {frames / FPS / 3600:.2f} hours'
  unknown = sum(bool(place.facts['emotion'] == UNKNOWN) for place in places)
  size += f', {unknown} clips of unknown emotion' if unknown else ''
  return Report(size, problems, digest.hexdigest())


def scan(path: Path, counts: Mapping[str, int], check: Callable[[str, dict], Checked],
         processes: int) -> Iterator[tuple[str, int, Checked]]:
  """(split, index, check(split, record)) of every record in order, with a progress bar.

  Args:
    counts: records of each split.
    check: of a module's own, or a partial of such: it travels to other processes.
  """
  tasks = [(path, split, range(start, min(start + CHUNK, count)), check)
           for split, count in counts.items() for start in range(0, count, CHUNK)]
  found = ordered_map(_check_chunk, tasks, min(processes, len(tasks)))
  with tqdm(total=sum(counts.values()), desc='verify', unit='record', disable=None) as bar:
    for (_, split, indices, _), results in zip(tasks, found, strict=True):
      for index, checked in zip(indices, results, strict=True):
        yield split, index, checked
      bar.update(len(indices))


def _check_chunk(task) -> list[Checked]:
  path, split, indices, check = task
  source = load_records(path).as_data_source(split)
  return [_read_and_check(source, split, i, check) for i in indices]


def _read_and_check(source, split, index, check) -> Checked:
  try:
    record = source[index]
  except UNREADABLE as error:
    return Checked('', [f'cannot be read ({" ".join(str(error).split())[:200]})'], b'unreadable')
  return check(split, record)


def _check_clip(audio_only: bool, split: str, record: dict) -> Checked:
  problems, digest = record_problems(record, audio_only), record_digest(record)
  try:
    facts = labels(record)
  except (KeyError, AttributeError, UnicodeDecodeError):  # told by the problems
    return Checked('', problems, digest)
  size = None if problems else crop_size(record)
  facts |= {'size': size, 'frames': len(record.get('audio', ())) // SAMPLES_PER_FRAME}
  return Checked(facts['id'], problems, digest, facts)


def file_problems(info) -> list[str]:
  """Files of a tfds dataset that are absent or hold other numbers of records than its metadata."""
  found = []
  for split in info.splits.values():
    for file, count in zip(split.filepaths, split.shard_lengths, strict=True):
      try:
        records = len(ArrayRecordDataSource([str(file)]))
      except (OSError, ValueError, RuntimeError) as error:
        found.append(f'{file.name}: cannot be read ({" ".join(str(error).split())[:200]})')
        continue
      if records != count:
        found.append(f'{file.name}: holds {records} records, the metadata say {count}')
  return found


def digest_problems(path: Path, digest: str) -> list[str]:
  """Whether the records are those that were built, as far as the metadata tell."""
  built = known_digest(path)
  return [f'{path}: its records are not those that were built (digest {digest}, built {built})'
          ] if built not in ('', digest) else []


def pin_problems(pairs: str, pins: Mapping, name: str, counts: Mapping[str, int], version: str,
                 path: Path) -> list[str]:
  """Where a pairs dataset was made for another build of the clips dataset `name` in `path`."""
  found, digest = [], known_digest(path)
  pinned = {s: n for s, n in pins['record_counts'].items() if n}
  if pinned != {s: n for s, n in counts.items() if n}:
    found.append(f'{pairs}: made for {pinned} clips, {name} holds {dict(counts)}')
  if pins['clips_version'] != version:
    found.append(f'{pairs}: made for version {pins["clips_version"]} of {name}, which is {version}')
  if not found and pins.get('clips_digest', '') != digest:
    found.append(f'{pairs}: made for other clips than {name} holds (their digest was '
                 f'{pins.get("clips_digest") or "not recorded"}, it is {digest})')
  return found


def dataset_problems(places: Iterable[Place], metadata: Mapping) -> list[str]:
  """What is wrong with a dataset as a whole: ids, crop sizes, speakers, splits, sentences.

  Args:
    places: readable records in order.
    metadata: of the builder: train_speakers, size, split_by.
  """
  places = list(places)
  return [line for check in (_ids, _sizes, _speakers, _indices, _splits, _sentences)
          for line in check(places, metadata)]


def _ids(places, metadata):
  found, first = [], {}
  for place in places:
    other = first.setdefault(place.facts['id'], place)
    if other is not place:
      found.append(place.line(f'has the id of {other.split} {other.index}'))
  return found


def _sizes(places, metadata):
  sizes = [(p, p.facts['size']) for p in places if p.facts['size']]
  side = metadata.get('size')
  expected = (side, side) if side else sizes[0][1] if sizes else None
  return [p.line(f'crops of {size[0]} x {size[1]} px, expected {expected[0]} x {expected[1]}')
          for p, size in sizes if size != expected]


def _speakers(places, metadata):
  """One index for each speaker, one speaker for each index."""
  found, index_of, speaker_of = [], {}, {}
  for place in places:
    speaker, index = place.facts['speaker'], place.facts['speaker_index']
    if index_of.setdefault(speaker, index) != index:
      found.append(place.line(f'speaker {speaker} has speaker_index {index}, elsewhere '
                              f'{index_of[speaker]}'))
    elif speaker_of.setdefault(index, speaker) != speaker:
      found.append(place.line(f'speaker_index {index} is of speaker {speaker}, elsewhere of '
                              f'{speaker_of[index]}'))
  return found


def _indices(places, metadata):
  """Indices run from 0 without a gap, training speakers first."""
  if 'train_speakers' not in metadata:
    return ['the metadata do not say train_speakers']
  train = int(metadata['train_speakers'])
  used = {p.facts['speaker_index'] for p in places}
  missing = sorted(set(range(max(used, default=-1) + 1)) - used)
  found = [f'speaker_index {missing[0]} is in no record ({len(missing)} such)'] if missing else []
  if used and min(used) < 0:
    found.append(f'speaker_index {min(used)} is negative')
  trained = {p.facts['speaker_index'] for p in places if p.split == 'train'}
  if trained != set(range(train)):
    odd = min(trained ^ set(range(train)))
    found.append(f'training speakers are not the first {train}, as train_speakers in the metadata '
                 f'says: speaker_index {odd} {"is" if odd in trained else "is not"} in train')
  return found


def _splits(places, metadata):
  if metadata.get('split_by') in SHARED_SPEAKERS:
    return []
  found, home = [], {}
  for place in places:
    if place.split in EXCLUSIVE:
      other = home.setdefault(place.facts['speaker'], place.split)
      if other != place.split:
        found.append(place.line(f'speaker {place.facts["speaker"]} is also in {other}'))
  return found


def _sentences(places, metadata):
  trained = {p.facts['sentence'] for p in places if p.split == 'train'}
  return [p.line(f'sentence {p.facts["sentence"]} is also said in train') for p in places
          if p.split == 'test_sentence' and p.facts['sentence'] in trained]


def index_problems(file: Path, table: Mapping[str, np.ndarray], places: list[Place]) -> list[str]:
  """Columns of the cached table beside the records (`Clips.table`) that are not the records'."""
  return [f'{file}: its {column} is not that of the records; remove the file'
          for column in COLUMNS
          if table[column].tolist() != [p.facts[column] for p in places]]
