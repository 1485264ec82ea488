"""Deterministic train, val and test: by speakers where there are enough, and never by chance."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from cemnet_jax.errors import UserError
from tfds_builders.media.entry import SPLITS, Entry, printable

HELD_OUT = 0.1  # share of units that go to val, and again to test; at least one each


class Clip(NamedTuple):
  """One clip to cut: frames [start, stop) of a file."""
  entry: Entry
  sha256: str
  start: int
  stop: int
  number: int  # among the clips of its file
  whole: bool  # the only clip of its file

  @property
  def id(self) -> str:
    """Unique in the dataset: the file's path without its ending, and the first frame if cut."""
    stem = printable(self.entry.file).rsplit('.', 1)[0]
    return stem if self.whole else f'{stem}@{self.start:06d}'


def split_clips(clips: Sequence[Clip]) -> tuple[dict[str, list[Clip]], str]:
  """Clips per split and what the splits keep apart.

  'labels': the CSV's split column. 'speaker': no speaker is in two splits. With fewer than three
  speakers, 'file': no file is in two splits. With fewer than three files, 'clip'.

  Raises:
    UserError: fewer than three clips, or a split column that leaves a split empty or is partial.
  """
  if any(c.entry.split for c in clips):
    return _by_labels(clips), 'labels'
  units = {'speaker': lambda c: c.entry.speaker, 'file': lambda c: printable(c.entry.file),
           'clip': lambda c: c.id}
  for kind, unit in units.items():
    names = sorted({unit(c) for c in clips}, key=_shuffled)
    if len(names) >= 3:
      held = max(1, round(HELD_OUT * len(names)))
      where = dict.fromkeys(names, 'train')
      where |= dict.fromkeys(names[:held], 'val') | dict.fromkeys(names[held:2 * held], 'test')
      return {s: [c for c in clips if where[unit(c)] == s] for s in SPLITS}, kind
  raise UserError(f'only {len(clips)} usable clips: train, val and test need one each; add videos')


def speaker_order(splits: dict[str, list[Entry]]) -> tuple[list[str], int]:
  """All speakers, those with training clips first; and how many those are."""
  order = {}
  for split in SPLITS:
    order |= dict.fromkeys(sorted({e.speaker for e in splits[split]} - set(order)), split)
  return list(order), sum(split == 'train' for split in order.values())


def _by_labels(clips) -> dict[str, list[Clip]]:
  without = next((c for c in clips if not c.entry.split), None)
  if without:
    raise UserError(f'{without.entry.file}: has no split while other rows of --labels have one')
  splits = {s: [c for c in clips if c.entry.split == s] for s in SPLITS}
  empty = [s for s in SPLITS if not splits[s]]
  if empty:
    raise UserError(f'no usable clip is left for the split {empty[0]}; change the splits, or mend '
                    'the files that the report names')
  return splits


def _shuffled(name: str) -> str:
  return hashlib.sha256(name.encode()).hexdigest()
