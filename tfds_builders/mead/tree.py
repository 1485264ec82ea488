"""MEAD's original tree: which takes it holds, which sound belongs to which video, and what is odd.

ACTOR/video/VIEW/EMOTION/level_K/NNN.mp4 is heard in ACTOR/audio/EMOTION/level_K/NNN.m4a: all views
share one recording of sound.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cemnet_jax.errors import UserError
from tfds_builders.media.entry import VIDEO_SUFFIXES, Entry, emotion_label

VIEWS = ('front', 'left_30', 'left_60', 'right_30', 'right_60', 'top', 'down')
# The first that exists is taken, MEAD's own suffix before those of converted copies.
AUDIO_SUFFIXES = ('.m4a', '.wav', '.flac', '.aac', '.mp3', '.ogg', '.opus')
LAYOUT = 'ACTOR/video/front/EMOTION/level_K/001.mp4 and ACTOR/audio/EMOTION/level_K/001.m4a'

Problem = tuple[str, str]  # file relative to the root, why it is left out


class Take(NamedTuple):
  """What an actor did once, whatever the views it was filmed from."""
  speaker: str
  emotion: str
  intensity: int
  number: str  # of the file; not a content label


def take_of(entry: Entry) -> Take:
  """The take that an entry of `list_mead` or `list_mead_audio` shows."""
  return Take(entry.speaker, entry.emotion, entry.intensity, PurePosixPath(entry.file).stem)


def list_mead(root, views: Sequence[str] = ('front',)) -> tuple[list[Entry], list[Problem]]:
  """Videos of the wanted views with their sound, and the files that are left out.

  Args:
    root: the folder of the actors' folders.
    views: of VIEWS; an actor without one of them is no problem.

  Returns:
    Entries in the order of their files; `audio` is '' where the take has no audio file, so that
    its sound, if any, is the video's own track. And (file, reason) of each file in a wrong place,
    of sound without a video in these views, and of second files of the same take.

  Raises:
    UserError: no such folder or view, or no video in it.
  """
  unknown = [view for view in views if view not in VIEWS]
  if unknown or not views:
    raise UserError(f'view {", ".join(unknown) or "(none)"}: choose of {", ".join(VIEWS)}')
  entries, problems = [], []
  for actor in _actors(root):
    sounds = _takes(root, actor / 'audio', AUDIO_SUFFIXES, problems)
    seen = set()
    for view in views:
      videos = _takes(root, actor / 'video' / view, VIDEO_SUFFIXES, problems)
      seen |= videos.keys()
      entries += [Entry(file, take.speaker, take.emotion, take.intensity,
                        audio=sounds.get(take, '')) for take, file in videos.items()]
    problems += [(file, f'no video of it in {", ".join(views)}')
                 for take, file in sounds.items() if take not in seen]
  if not entries:
    raise UserError(f'{root}: holds no video of MEAD in {", ".join(views)}; expected {LAYOUT}')
  return sorted(entries), sorted(problems)


def list_mead_audio(root) -> tuple[list[Entry], list[Problem]]:
  """The sound of all takes, with or without a video: `file` and `audio` are both the audio file.

  Returns and raises as `list_mead`.
  """
  problems, entries = [], []
  for actor in _actors(root):
    entries += [Entry(file, take.speaker, take.emotion, take.intensity, audio=file)
                for take, file in _takes(root, actor / 'audio', AUDIO_SUFFIXES, problems).items()]
  if not entries:
    raise UserError(f'{root}: holds no sound of MEAD; expected {LAYOUT}')
  return sorted(entries), sorted(problems)


def _actors(root) -> list[Path]:
  root = Path(root)
  if not root.is_dir():
    raise UserError(f'{root}: no such folder; give the folder that holds {LAYOUT}')
  return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith('.'))


def _takes(root, folder: Path, suffixes: Sequence[str], problems: list[Problem]
           ) -> dict[Take, str]:
  """Take -> file relative to the root of all files in EMOTION/level_K below `folder`."""
  actor = folder.relative_to(root).parts[0]
  paths = [p for p in folder.rglob('*') if p.is_file()
           and not any(part.startswith('.') for part in p.relative_to(folder).parts)]
  takes = {}
  rank = {suffix: i for i, suffix in enumerate(suffixes)}
  for path in sorted(paths, key=lambda p: (rank.get(p.suffix.lower(), len(rank)), p)):
    file = path.relative_to(root).as_posix()
    try:
      if path.suffix.lower() not in rank:
        raise UserError(f'its ending is none of {", ".join(suffixes)}')
      take = _parse(actor, path.relative_to(folder).parts)
      if take in takes:
        raise UserError(f'{takes[take]} is the same take')
      takes[take] = file
    except UserError as error:
      problems.append((file, str(error)))
  return takes


def _parse(actor: str, parts: tuple[str, ...]) -> Take:
  """EMOTION, level_K, NNN.suffix -> take; UserError with the reason otherwise."""
  if len(parts) != 3:
    raise UserError('is not in EMOTION/level_K')
  emotion = emotion_label(parts[0], f'folder {parts[0]}')
  level = re.fullmatch(r'level_([123])', parts[1].lower())
  if not level:
    raise UserError(f'folder {parts[1]} is none of level_1, level_2, level_3')
  if emotion == 'neutral' and level[1] != '1':
    raise UserError('neutral has level_1 only')
  number = Path(parts[2]).stem
  if not re.fullmatch(r'\d{3}', number):
    raise UserError(f'{parts[2]} is not named by three digits')
  return Take(actor, emotion, int(level[1]), number)
