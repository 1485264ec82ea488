"""In which order the rows of a split become examples, and which sentences choose a checkpoint."""

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

HELD_OUT = 'held_out'  # the split of the sentences that `held_out_sentences` keeps from training
_SHUFFLE_STREAM = 71
_SPREAD_STREAM = 72
_HELD_OUT_STREAM = 73


class Epochs:
  """Endless row numbers, each epoch in its own order.

  Grain's `shuffle().repeat()` does the same, but its permutation costs 0.2 to 3 ms an example where
  there are only some hundred.
  """

  def __init__(self, count, seed):
    self.count, self.seed = count, seed
    self._last = (-1, None)  # epoch and its order, replaced together: threads share this object

  def __len__(self):
    return sys.maxsize

  def __getitem__(self, index):
    epoch, place = divmod(int(index), self.count)
    known, order = self._last
    if known != epoch:
      random = np.random.Generator(np.random.PCG64([_SHUFFLE_STREAM, self.seed, epoch]))
      order = random.permutation(self.count)
      self._last = (epoch, order)
    return order[place]


def spread(speakers: Sequence[Sequence[int]]) -> list[int]:
  """An order of rows whose every beginning is shared by all speakers as evenly as they allow.

  So an evaluation of the first batches sees the whole split. It is the same in every run, whatever
  its seed: runs are compared on the same rows.

  Args:
    speakers: of each row, one or several.
  """
  random = np.random.Generator(np.random.PCG64([_SPREAD_STREAM]))
  counts, rounds = Counter(), []
  for row in random.permutation(len(speakers)):
    rounds.append((min(counts[s] for s in speakers[row]), int(row)))
    counts.update(speakers[row])
  return [row for _, row in sorted(rounds, key=lambda pair: pair[0])]


def held_out_sentences(sentences: Sequence[str], share: float) -> set[str]:
  """The `share` of distinct sentences, at least one, that is kept from training; always the same.

  Empty where `share` is 0 or there is no second sentence to train on.
  """
  known = np.unique(sentences)
  if not share or len(known) < 2:
    return set()
  count = min(max(1, round(share * len(known))), len(known) - 1)
  random = np.random.Generator(np.random.PCG64([_HELD_OUT_STREAM]))
  return set(map(str, random.permutation(known)[:count]))
