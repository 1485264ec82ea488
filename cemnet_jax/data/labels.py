"""What a stage has to know of each clip that it learns from, and which clips and datasets tell it.

A config's `data.labels` names it: 'emotion', and 'speaker' where the stage tells people apart.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.topology import UNKNOWN

EMOTION, SPEAKER = 'emotion', 'speaker'


def check(clips: Clips, needed: Sequence[str], stage: str = 'this stage') -> None:
  """UserError where a dataset has no such labels at all; the line says what to do instead."""
  if EMOTION in needed and not (clips.table['emotion'] != UNKNOWN).any():
    raise UserError(
      f'{clips.name} labels no emotions, which {stage} learns to tell: give them in a CSV '
      '(`cemnet prepare folder --labels`), or choose a data.dataset that has them, such as '
      'mead/front')
  if SPEAKER in needed and clips.without_people:
    raise UserError(
      f'{", ".join(clips.without_people)}: its speakers are stretches of programmes, not people, '
      f'whom {stage} learns to tell apart: import public weights (`cemnet import-weights '
      'identity`, or `scorers --identity`), or train it on people (`--set '
      f'{"STAGE" if stage == "this stage" else stage}.data.dataset=mead/front`)')


def known_rows(clips: Clips, needed: Sequence[str], rows: Sequence) -> list:
  """The rows, as `pipeline` makes them, of whose clips all have the labels that are needed."""
  if EMOTION not in needed:
    return list(rows)
  labelled = clips.table['emotion'] != UNKNOWN
  return [row for row in rows if labelled[_clips_of(row)].all()]


def _clips_of(row) -> Int[np.ndarray, ' N']:
  if isinstance(row, dict):  # of eight clips, -1 where one is missing
    return row['clips'][row['clips'] >= 0]
  return np.hstack(row if isinstance(row, tuple) else [row])
