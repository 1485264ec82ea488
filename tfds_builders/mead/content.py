"""What MEAD's clips say: from a table of transcripts, or by which of them sound alike.

The number in a file's name is no label of its sentence: most sentences belong to one emotion, and
lost takes shift the numbers after them.
"""

import csv
import functools
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.errors import UserError
from cemnet_jax.files import whole
from cemnet_jax.preprocess import audio, video
from cemnet_jax.preprocess.parallel import ordered_map
from tfds_builders.mead.matching import match_clips
from tfds_builders.mead.tree import Take, list_mead_audio, take_of
from tfds_builders.media.entry import Entry, emotion_label, normalise_transcript

# A clip that is matched with less confidence keeps no label; chosen with matching.py's thresholds.
CONFIDENT = 0.15
_ENDS_DROP = 6.0  # log energy below the loudest parts at which silent ends begin (26 dB)
_ENDS_KEPT = 5  # frames of 10 ms kept around the speech


class ContentRow(NamedTuple):
  """What is known of the sentence of one file."""
  file: str
  sentence: str  # '' where unknown: the clip is then paired with no other
  confidence: float  # 0 to 1
  how: str  # 'transcript', 'sound', or why there is no sentence


def label_content(
    root, entries: Sequence[Entry], transcripts=None,
    load_track: Callable[[object, Entry], Float[np.ndarray, 'M D']] | None = None,
    processes: int = 1) -> tuple[list[Entry], list[ContentRow]]:
  """The entries, in their order, with `sentence` (and `transcript`) filled where it is known.

  With `transcripts`, a CSV with the column `transcript` and either `file` (video or sound) or
  `actor,emotion,number` and maybe `level` (empty: all levels): `sentence` is the words, and clips
  that the CSV does not name have none. Otherwise clips that sound alike get `group0000`, ...;
  a match is told from chance only where a speaker says some ten sentences or more, so all sound
  below `root` is compared, and `group` means the same whichever entries were asked for.

  Args:
    root: the folder of the actors' folders.
    entries: of `list_mead` or `list_mead_audio`; views of one take get one sentence.
    transcripts: path of the CSV.
    load_track: (root, entry) -> cepstra, `read_track` unless given; picklable for more than one
      process.
    processes: how many read and compare; their number changes nothing.

  Returns:
    Entries, and one row for each of them.

  Raises:
    UserError: the CSV is missing, lacks columns, contradicts itself, or names none of the clips.
  """
  found = (_by_transcript(entries, Path(transcripts)) if transcripts
           else _by_sound(root, entries, load_track or read_track, processes))
  rows = [ContentRow(e.file, *found[take_of(e)]) for e in entries]
  labelled = [
    e._replace(sentence=row.sentence,
               transcript=row.sentence if row.how == 'transcript' else e.transcript)
    for e, row in zip(entries, rows, strict=True)]
  return labelled, rows


def read_track(root, entry: Entry) -> Float[np.ndarray, 'M 12']:
  """Cepstra 1 to 12 of an entry's sound, 100 frames a second, without silent ends.

  Raises:
    UserError: no sound, or none that can be read.
  """
  return spoken_cepstra(video.read_audio(_sound_of(root, entry)))


def spoken_cepstra(wav: Float[np.ndarray, ' S']) -> Float[np.ndarray, 'M 12']:
  """Cepstra 1 to 12 of speech at 16 kHz, 100 frames a second, without silent ends."""
  cepstra = audio.mfcc(wav)
  energy = cepstra[:, 0]
  spoken = np.flatnonzero(energy >= np.percentile(energy, 95) - _ENDS_DROP)
  return cepstra[max(0, spoken[0] - _ENDS_KEPT):spoken[-1] + 1 + _ENDS_KEPT, 1:]


def write_content(path, rows: Sequence[ContentRow]) -> None:
  """CSV with one row per file: file, sentence, confidence, how."""
  with whole(path) as beside, beside.open('w', newline='', encoding='utf-8',
                                          errors='surrogateescape') as out:
    lines = csv.writer(out)
    lines.writerow(ContentRow._fields)
    lines.writerows(row._replace(confidence=f'{row.confidence:.3f}') for row in rows)


def _by_sound(root, entries, load_track, processes) -> dict[Take, tuple[str, float, str]]:
  heard = list_mead_audio(root)[0] if any(e.audio for e in entries) else []
  takes = dict(sorted({take_of(e): e for e in [*heard, *entries]}.items()))
  loaded = ordered_map(functools.partial(_try_load, load_track, root), takes.values(), processes)
  found, tracks = {}, {}
  for take, (track, reason) in zip(takes, loaded, strict=True):
    if track is None:
      found[take] = '', 0.0, reason
    else:
      tracks[take] = track
  if not tracks:
    return found
  groups, confidences = match_clips(
    list(tracks.values()), [take.speaker for take in tracks],
    ['/'.join(map(str, take[:3])) for take in tracks], processes)
  sizes = Counter(groups[confidences >= CONFIDENT].tolist())
  for take, group, confidence in zip(tracks, groups.tolist(), confidences.tolist(), strict=True):
    if confidence < CONFIDENT or sizes[group] < 2:
      found[take] = '', confidence, 'no sure match'
    else:
      found[take] = f'group{group:04d}', confidence, 'sound'
  return found


def _sound_of(root, entry) -> Path:
  return Path(root) / (entry.audio or entry.file)


def _try_load(load_track, root, entry):
  """(track, '') or (None, why there is none)."""
  try:
    return load_track(root, entry), ''
  except UserError as error:
    return None, str(error).replace(f'{_sound_of(root, entry)}: ', '')


def _by_transcript(entries, path: Path) -> dict[Take, tuple[str, float, str]]:
  words = _read_transcripts(path)
  said = defaultdict(set)
  for entry in entries:
    take = take_of(entry)
    number = int(take.number)
    keys = entry.file, entry.audio, (*take[:2], 0, number), (*take[:3], number)
    said[take] |= {words[key] for key in keys if key in words}
    if len(said[take]) > 1:
      both = ' and '.join(map(repr, sorted(said[take])))
      raise UserError(f'{path}: says of {entry.file} both {both}')
  if not any(said.values()):
    raise UserError(f'{path}: names none of the {len(entries)} clips, say {entries[0].file}')
  return {take: (min(texts), 1.0, 'transcript') if texts else ('', 0.0, 'no transcript')
          for take, texts in said.items()}


def _read_transcripts(path: Path) -> dict:
  """File, or (actor, emotion, level or 0, number) -> words."""
  try:
    text = path.read_text(encoding='utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'{path}: cannot be read ({error}); give a CSV in UTF-8') from error
  reader = csv.DictReader(io.StringIO(text, newline=''))
  columns = set(reader.fieldnames or ())
  if 'transcript' not in columns or not ({'file'} <= columns
                                         or {'actor', 'emotion', 'number'} <= columns):
    raise UserError(f'{path}: needs the columns file,transcript or '
                    'actor,emotion,number,transcript')
  words = {}
  for row in reader:
    where = f'{path} line {reader.line_num}'
    value = {k: (v or '').strip() for k, v in row.items() if k}
    key, said = _key(value, where), _words(value['transcript'], where)
    if words.setdefault(key, said) != said:
      raise UserError(f'{where}: says {said!r} of a clip that said {words[key]!r} above')
  return words


def _key(value: dict, where: str):
  if value.get('file'):
    return Path(value['file']).as_posix()
  number = re.fullmatch(r'\d{1,3}', value.get('number', ''))
  level = re.fullmatch(r'(?:level_)?([123]?)', value.get('level', ''))
  if not number or not level or not value.get('actor'):
    raise UserError(f'{where}: expected an actor, a number such as 001 and a level of 1 to 3')
  emotion = emotion_label(value.get('emotion', ''), where)
  return value['actor'], emotion, int(level[1] or 0), int(number[0])


def _words(text: str, where: str) -> str:
  if re.search(r'\d', text):
    raise UserError(f'{where}: transcript {text!r} has digits; spell numbers as they are spoken')
  words = normalise_transcript(text)
  if not words:
    raise UserError(f'{where}: transcript {text!r} holds no word')
  return words
