"""What a built clips dataset holds, as tables of text that a terminal or Markdown can show."""

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cemnet_jax.data.folders import SPLITS, dataset_path, load_records
from cemnet_jax.data.pairs import pairs_over
from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import FPS, LABELS, UNKNOWN

MAX_SPEAKERS = 60  # with more, the table of speakers has one row for each split
MAX_TEXT = 100  # characters of one metadata value
MAX_FILES = 3  # that are named for each reason to skip one


class Table(NamedTuple):
  """One table; all cells are text."""
  title: str
  columns: tuple[str, ...]
  rows: list[tuple[str, ...]]


class Columns(NamedTuple):
  """`Clips.table` with what is derived from it; arrays over all clips.

  Attributes:
    split, speaker, sentence, transcript: texts.
    emotion, level: numbers.
    hours: of each clip.
  """
  split: np.ndarray
  speaker: np.ndarray
  sentence: np.ndarray
  transcript: np.ndarray
  emotion: np.ndarray
  level: np.ndarray
  hours: np.ndarray

  @classmethod
  def of(cls, clips: Clips) -> 'Columns':
    """Of a dataset; reads sound where there are no pictures."""
    table = clips.table
    split = np.array([s for s in SPLITS for _ in clips.ranges[s]])
    return cls(split, table['speaker'], table['sentence'], table['transcript'], table['emotion'],
               table['intensity'], clips.lengths() / FPS / 3600)

  def where(self, mask: np.ndarray) -> 'Columns':
    """Of some clips."""
    return Columns(*(column[mask] for column in self))


def dataset_card(clips: Clips) -> list[Table]:
  """Tables that describe one clips dataset: what it is, splits, speakers, metadata, ..."""
  path = dataset_path(clips.data_dir, clips.name)
  columns = Columns.of(clips)
  tables = [_facts(path, clips, columns), _split_table(columns),
            _speaker_table(columns), _metadata_table(clips.metadata),
            _skipped_table(path.parent / 'report.csv'), _pairs_table(clips)]
  return [table for table in tables if table.rows]


def to_markdown(title: str, tables: list[Table]) -> str:
  """The tables below their titles."""
  parts = [f'# {title}']
  for table in tables:
    rows = [table.columns, ('---',) * len(table.columns), *table.rows]
    parts += [f'## {table.title}', '\n'.join(f'| {" | ".join(map(_cell, row))} |' for row in rows)]
  return '\n\n'.join(parts) + '\n'


def _cell(text):
  return ' '.join(text.replace('|', r'\|').split())


def _facts(path: Path, clips: Clips, columns: Columns) -> Table:
  info = load_records(path).info
  version = str(info.version)
  files = [file.stat().st_size for file in path.iterdir() if file.is_file()]
  lengths = columns.hours * 3600
  emotions_of = defaultdict(set)
  for sentence, emotion in zip(columns.sentence, columns.emotion):
    emotions_of[sentence] |= {emotion} - {UNKNOWN}
  shared = sum(len(emotions) > 1 for emotions in emotions_of.values())
  unlabelled = int((columns.level == 0).sum())
  unknown = int((columns.emotion == UNKNOWN).sum())
  rows = [
    ('name', clips.name), ('version', version),
    ('release note', info.release_notes.get(version, '')),
    ('description', ' '.join(info.description.split())),
    ('config', info.config_description or ''),
    ('folder', str(path)), ('disk', f'{sum(files) / 2**20:.1f} MiB in {len(files)} files'),
    ('clips', f'{len(clips)}, {_hours(columns)} hours'),
    ('length of a clip', f'{lengths.min():.2f} to {lengths.max():.2f} s, '
                         f'median {np.median(lengths):.2f} s' if len(lengths) else ''),
    ('frames', f'{clips.table["num_frames"].sum()}, {_crop(clips)}'),
    ('sentences', f'{len(emotions_of)}, of which {shared} are said with several emotions'),
    ('transcripts', f'of {(columns.transcript != "").sum()} clips'),
    ('emotion unknown', f'in {unknown} clips' if unknown else ''),
    ('intensity unknown', f'in {unlabelled} clips (intensity 0)')]
  return Table('Dataset', ('what', 'value'), [(k, v) for k, v in rows if v])


def _crop(clips: Clips) -> str:
  """Size of the pictures, from the first of them."""
  if not clips.table['num_frames'].any():
    return 'no pictures'
  first = int(clips.table['num_frames'].argmax())
  height, width = decode_jpeg(clips[first]['frames'][0]).shape[:2]
  return f'crops of {width} x {height} px'


def _hours(columns: Columns) -> str:
  return f'{columns.hours.sum():.3f}'


def _split_table(columns: Columns) -> Table:
  rows = []
  for split in (s for s in SPLITS if s in columns.split):
    part = columns.where(columns.split == split)
    rows.append((split, str(len(part.split)), _hours(part), str(len(set(part.speaker))),
                 str(len(set(part.sentence)))))
  return Table('Splits', ('split', 'clips', 'hours', 'speakers', 'sentences'), rows)


def _speaker_table(columns: Columns) -> Table:
  """Clips of each speaker, or of each split where there are many, by emotion and level."""
  levels = {e: np.unique(columns.level[columns.emotion == e]) for e in np.unique(columns.emotion)}
  headings = [LABELS[e] + (' ' + '/'.join(map(str, found)) if len(found) > 1 else '')
              for e, found in levels.items()]
  title = 'Clips by emotion'
  if any(len(found) > 1 for found in levels.values()):
    title += ', at each level of intensity'
  speakers = list(dict.fromkeys(columns.speaker.tolist()))
  if len(speakers) > MAX_SPEAKERS:
    groups = {s: columns.split == s for s in SPLITS if s in columns.split}
    first = ('split', 'speakers')
  else:
    groups = {s: columns.speaker == s for s in speakers}
    first = ('speaker', 'split')
  rows = []
  for group, mask in groups.items():
    part = columns.where(mask)
    splits = '+'.join(s for s in SPLITS if s in part.split)
    second = splits if first[1] == 'split' else str(len(set(part.speaker)))
    counts = ('/'.join(str(((part.emotion == e) & (part.level == level)).sum()) for level in found)
              for e, found in levels.items())
    rows.append((group, second, str(len(part.split)), _hours(part), *counts))
  return Table(title, (*first, 'clips', 'hours', *headings), rows)


def _metadata_table(metadata) -> Table:
  rows = []
  for key, value in metadata.items():
    text = ', '.join(map(str, value)) if isinstance(value, list) else str(value)
    rows.append((key, text if len(text) <= MAX_TEXT else f'{text[:MAX_TEXT - 3]}...'))
  return Table('Metadata of the builder', ('key', 'value'), rows)


def _skipped_table(report: Path) -> Table:
  """Reasons, without their numbers, for which files were skipped or used in part."""
  files = defaultdict(list)
  if report.is_file():
    with report.open(newline='', encoding='utf-8', errors='backslashreplace') as lines:
      for row in csv.DictReader(lines):
        if row['reason']:
          reason = re.sub(r'\d+(\.\d+)?', 'N', row['reason'])
          files['used in part' if int(row['clips']) else 'skipped', reason].append(row['file'])
  rows = [(what, reason, str(len(names)),
           ', '.join(names[:MAX_FILES]) + (', ...' if len(names) > MAX_FILES else ''))
          for (what, reason), names in sorted(files.items(), key=lambda item: -len(item[1]))]
  return Table(f'Files in {report.name}', ('what', 'reason', 'files', 'first'), rows)


def _pairs_table(clips: Clips) -> Table:
  rows = []
  for pairs, found in pairs_over(clips.data_dir, clips.name).items():
    counts = ', '.join(f'{s.num_examples} {split}' for split, s in found.splits.items())
    rows.append((pairs, str(found.version), counts, str(found.metadata['clips_version'])))
  return Table('Pairs over these clips', ('name', 'version', 'rows', 'clips version'), rows)
