"""LRS2's original tree: its clips, what is said in them, and the official splits.

mvlrs_v1/{main,pretrain}/ID/NNNNN.mp4 with NNNNN.txt beside it; train.txt, val.txt and test.txt list
clips of `main`, pretrain.txt those of `pretrain`, as ID/NNNNN and perhaps further columns.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cemnet_jax.errors import UserError
from tfds_builders.media.entry import Entry, normalise_transcript, printable

# Subset -> list file -> split of its clips.
LISTS = {'main': {'train.txt': 'train', 'val.txt': 'val', 'test.txt': 'test'},
         'pretrain': {'pretrain.txt': 'train'}}
INNER = 'mvlrs_v1'  # the folder that LRS2's archive unpacks to

Problem = tuple[str, str]  # file relative to the root, or list:line; what is wrong


def list_lrs2(root, subsets: Sequence[str] = ('main',), lists=None
              ) -> tuple[list[Entry], list[Problem]]:
  """Clips of the split lists that exist on disk, and what is odd.

  LRS2 labels neither emotions nor speakers: `emotion` is '', and `speaker` is the clip's ID folder,
  which stands for one stretch of one programme. Usually one person speaks in it, but a person may
  have many IDs, so such a `speaker` says who is the same, never who is different.

  Args:
    root: the folder that holds `mvlrs_v1`, or that folder itself.
    subsets: of `main` (official train, val, test) and `pretrain` (all train).
    lists: folder of the split lists, looked into before `root` and `mvlrs_v1`.

  Returns:
    Entries in the order of their files, `transcript` '' where there is no usable text. And
    (file, reason) of videos in no list, listed videos that are missing, and unusable texts; the
    clips of the last are kept.

  Raises:
    UserError: no such folder, subset or split list, or no listed clip on disk.
  """
  root = Path(root)
  base = root / INNER if (root / INNER).is_dir() else root
  unknown = [s for s in subsets if s not in LISTS]
  if unknown or not subsets:
    raise UserError(f'subset {", ".join(unknown) or "(none)"}: choose of {", ".join(LISTS)}')
  entries, problems = [], []
  for subset in subsets:
    if not (base / subset).is_dir():
      raise UserError(f'{base / subset}: no such folder; expected {INNER}/{subset}/ID/00001.mp4 '
                      f'below {root}')
    listed = _read_lists(LISTS[subset], [p for p in (lists, root, base) if p], problems)
    entries += _clips(root, base / subset, listed, problems)
  if not entries:
    raise UserError(f'{base}: holds none of the clips in the split lists of {", ".join(subsets)}; '
                    f'expected {INNER}/{subsets[0]}/ID/00001.mp4')
  return sorted(entries), sorted(problems)


def read_transcript(path) -> str:
  """Words of a clip's text file: its line `Text:`, without noises such as {NS}.

  Raises:
    UserError: no readable file or line, no word, or digits, whose reading nobody knows.
  """
  try:
    text = Path(path).read_text(encoding='utf-8')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError('its text file is missing or cannot be read') from error
  line = re.search(r'^\s*text:(.*)$', text, re.IGNORECASE | re.MULTILINE)
  if not line:
    raise UserError('its text file has no line `Text:`')
  said = re.sub(r'\{[^}]*\}', ' ', line[1])
  if re.search(r'\d', said):
    raise UserError('its text holds digits, which can be read in several ways')
  words = normalise_transcript(said)
  if not words:
    raise UserError('its text holds no word')
  return words


def _read_lists(names: dict[str, str], folders: Sequence, problems) -> dict[str, list[str]]:
  """ID/NNNNN -> the splits it is listed for, of all lists of a subset."""
  listed = defaultdict(list)
  for name, split in names.items():
    path = next((p for f in folders if (p := Path(f) / name).is_file()), None)
    if path is None:
      raise UserError(f'no split list {name} in {", ".join(map(str, folders))}; '
                      'it comes with LRS2, put it there')
    text = path.read_text(encoding='utf-8-sig', errors='surrogateescape')
    for number, line in enumerate(text.splitlines(), 1):
      clip = line.split()[0] if line.split() else ''
      if clip and not re.fullmatch(r'[^/]+/[^/]+', clip):
        problems.append((f'{name}:{number}', f'{clip} is not of the form ID/NNNNN'))
      elif clip and split not in listed[clip]:
        listed[clip].append(split)
  return listed


def _clips(root, folder: Path, listed: dict[str, list[str]], problems) -> list[Entry]:
  """Entries of one subset's videos that are listed for one split."""
  entries, found = [], set()
  for path in folder.rglob('*'):
    if path.suffix.lower() != '.mp4' or path.name.startswith('.'):
      continue
    file, clip = path.relative_to(root).as_posix(), path.relative_to(folder).with_suffix('')
    splits = listed.get(clip.as_posix(), [])
    found.add(clip.as_posix())
    if len(splits) != 1:
      problems.append((file, f'is listed for {" and for ".join(splits)}' if splits
                       else 'is in no split list'))
      continue
    transcript = ''
    try:
      transcript = read_transcript(path.with_suffix('.txt'))
    except UserError as error:
      problems.append((file, str(error)))
    entries.append(Entry(file, printable(clip.parts[0]), transcript=transcript, split=splits[0]))
  where = folder.relative_to(root).as_posix()
  problems += [(f'{where}/{clip}.mp4', f'is listed for {splits[0]} but missing')
               for clip, splits in listed.items() if clip not in found]
  return entries
