"""MEAD's actors -> train, val and test: 40 / 8 as in the paper, or as a file says."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cemnet_jax.errors import UserError
from tfds_builders.mead.tree import take_of
from tfds_builders.media.entry import SPLITS, Entry

# Test actors of EAT, whose numbers on MEAD others compare with; M003 and M030 are EVP's.
TEST_ACTORS = ('M003', 'M030', 'W009', 'W015')
TEST_SHARE, VAL_SHARE = 1 / 6, 1 / 12  # of 48 actors: 8 and 4
VAL_FILES = 0.1  # share of training takes that are val where no actor is
SPLIT_SEED = 2508  # draws among actors that are equally complete, and takes


def assign_splits(entries: Sequence[Entry], split_file=None) -> list[Entry]:
  """The entries, in their order, with `split` filled.

  Without a file, of n actors: round(n / 6), at least one, are test: TEST_ACTORS that are present
  (all of them, even where they are more than that, as long as two actors are left), then the most
  complete ones, that is with clips in the most (emotion, level) cells. round(n / 12), at least
  one, of the others are val, again the most complete. SPLIT_SEED draws among equals. The paper
  draws its 40 / 8 at random and does not name them.

  With a file: JSON `{"test": ["W009"], "val": ["M030"]}` or lines `ACTOR split`; actors it does
  not name train. Where it names none for val, a tenth of the training takes (at least one, drawn
  by SPLIT_SEED, all views of a take together) is val: it then shares speakers with train.

  Raises:
    UserError: fewer than three actors and no file; a file that cannot be read, names an unknown
      actor or split, one actor twice, or leaves train or test empty.
  """
  cells = defaultdict(set)
  for entry in entries:
    cells[entry.speaker].add((entry.emotion, entry.intensity))
  actors = sorted(cells, key=lambda a: (-len(cells[a]), _drawn(a)))
  if split_file is None:
    where = _by_completeness(actors)
  else:
    where = dict.fromkeys(actors, 'train') | _read(Path(split_file), actors)
  splits = [where[entry.speaker] for entry in entries]
  for split in ('train', 'test'):
    if split not in splits:
      raise UserError(f'{split_file}: no actor is left for {split}; name fewer for the others')
  if 'val' not in splits:
    held = _held_out_takes([e for e, s in zip(entries, splits) if s == 'train'], split_file)
    splits = ['val' if take_of(e) in held else s for e, s in zip(entries, splits)]
  return [e._replace(split=s) for e, s in zip(entries, splits)]


def _by_completeness(actors: list[str]) -> dict[str, str]:
  count = len(actors)
  if count < 3:
    raise UserError(f'only {count} actors ({", ".join(sorted(actors))}) have clips: train, val and '
                    'test need one each; add actors or give a split file such as '
                    '{"test": ["W009"]}')
  named = [a for a in TEST_ACTORS if a in actors]
  tests = min(max(round(TEST_SHARE * count), len(named), 1), count - 2)
  test = (named + [a for a in actors if a not in named])[:tests]
  rest = [a for a in actors if a not in test]
  val = rest[:max(1, round(VAL_SHARE * count))]
  return dict.fromkeys(rest, 'train') | dict.fromkeys(val, 'val') | dict.fromkeys(test, 'test')


def _read(path: Path, actors: Sequence[str]) -> dict[str, str]:
  """Actor -> split of the actors that the file names."""
  where = {}
  for actor, split in _pairs(path):
    if split not in SPLITS:
      raise UserError(f'{path}: split {split!r} is none of {", ".join(SPLITS)}')
    if actor not in actors:
      raise UserError(f'{path}: names actor {actor!r}, of whom there is no clip; there are '
                      f'{", ".join(sorted(actors))}')
    if where.setdefault(actor, split) != split:
      raise UserError(f'{path}: names actor {actor} for {where[actor]} and for {split}')
  return where


def _pairs(path: Path) -> list[tuple[str, str]]:
  """(actor, split) as the file has them."""
  try:
    text = path.read_text(encoding='utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'{path}: cannot be read ({error}); give a split file') from error
  if text.lstrip().startswith('{'):
    return _json_pairs(path, text)
  pairs = []
  for number, line in enumerate(text.splitlines(), 1):
    words = line.partition('#')[0].split()
    if words and len(words) != 2:
      raise UserError(f'{path} line {number}: expected `ACTOR split`, got {line.strip()!r}')
    pairs += [tuple(words)] if words else []
  return pairs


def _json_pairs(path, text) -> list[tuple[str, str]]:
  expected = 'expected {"test": ["W009"], "val": ["M030"]}'
  try:
    splits = json.loads(text)
  except json.JSONDecodeError as error:
    raise UserError(f'{path}: is no JSON ({error}); {expected}') from error
  for actors in splits.values():
    if not isinstance(actors, list) or not all(isinstance(a, str) for a in actors):
      raise UserError(f'{path}: {expected}')
  return [(actor, split) for split, actors in splits.items() for actor in actors]


def _held_out_takes(train: Sequence[Entry], split_file) -> set:
  takes = sorted({take_of(e) for e in train}, key=lambda take: _drawn('/'.join(map(str, take))))
  if len(takes) < 2:
    raise UserError(f'{split_file}: the only clip of train cannot be val as well; '
                    'name an actor for val')
  return set(takes[:max(1, int(VAL_FILES * len(takes)))])


def _drawn(name: str) -> str:
  """A place in a random order that does not depend on which other names there are."""
  return hashlib.sha256(f'{SPLIT_SEED} {name}'.encode()).hexdigest()
