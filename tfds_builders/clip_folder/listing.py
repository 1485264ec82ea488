"""Which video files a folder holds and who says what in them: from sub-folders or from a CSV."""

import csv
from pathlib import Path, PurePosixPath

from cemnet_jax.errors import UserError
from tfds_builders.media.entry import (
  SPLITS,
  VIDEO_SUFFIXES,
  Entry,
  emotion_label,
  normalise_transcript,
  printable,
)


def list_entries(root, labels=None) -> list[Entry]:
  """Entries in the order of their file names, from the CSV `labels` if given, else from folders.

  Folders: speaker/file, speaker/emotion/file; a file in the root itself is its own speaker.
  UserError when the folder or the CSV is missing, holds nothing, or a label is not understood.
  """
  root = Path(root)
  if not root.is_dir():
    raise UserError(f'{root}: no such folder')
  entries = _from_csv(Path(labels)) if labels else _from_folders(root)
  if not entries:
    raise UserError(f'{labels or root}: names no video file; expected speaker/[emotion/]clip.mp4 '
                    'or --labels with columns file,speaker')
  return sorted(entries)


def _from_folders(root: Path) -> list[Entry]:
  entries = []
  for path in root.rglob('*'):
    if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith('.'):
      continue
    parts = path.relative_to(root).parts
    speaker = parts[0] if len(parts) > 1 else path.stem
    emotion = emotion_label(parts[1], path) if len(parts) > 2 else ''
    entries.append(Entry('/'.join(parts), printable(speaker), emotion))
  return entries


def _from_csv(labels: Path) -> list[Entry]:
  if not labels.is_file():
    raise UserError(f'{labels}: no such file')
  try:
    # Bytes that are not UTF-8 stay what they are, since they may name a file.
    with labels.open(newline='', encoding='utf-8-sig', errors='surrogateescape') as lines:
      reader = csv.DictReader(lines)
      missing = {'file', 'speaker'} - set(reader.fieldnames or ())
      if missing:
        raise UserError(f'{labels}: has no column {", ".join(sorted(missing))}')
      entries = [_row(row, f'{labels} line {reader.line_num}') for row in reader]
  except (OSError, csv.Error) as error:
    raise UserError(f'{labels}: cannot be read ({error}); give a CSV') from error
  files = [e.file for e in entries]
  twice = next((f for f in files if files.count(f) > 1), None)
  if twice:
    raise UserError(f'{labels}: names {twice} twice')
  return entries


def _row(row: dict, where: str) -> Entry:
  value = {k: (v or '').strip() for k, v in row.items() if k}
  if not value['file'] or not value['speaker']:
    raise UserError(f'{where}: file and speaker must not be empty')
  split, intensity = value.get('split', ''), value.get('intensity') or '0'
  if split not in ('', *SPLITS):
    raise UserError(f'{where}: split {split!r} is none of {", ".join(SPLITS)}')
  if intensity not in ('0', '1', '2', '3'):
    raise UserError(f'{where}: intensity {intensity!r} is none of 0, 1, 2, 3')
  emotion = emotion_label(value['emotion'], where) if value.get('emotion') else ''
  file = PurePosixPath(value['file'])
  if file.is_absolute() or '..' in file.parts:
    raise UserError(f'{where}: file {value["file"]!r} lies outside of --root; give its name below '
                    'that')
  return Entry(file.as_posix(), printable(value['speaker']), emotion, int(intensity),
               normalise_transcript(value.get('transcript', '')), split)

