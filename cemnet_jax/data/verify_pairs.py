"""Re-reads every row of a built pairs dataset and compares it with the clips it names.

One problem is one line, `split index: what`; the index counts rows of the split.
"""

import functools
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from cemnet_jax.data.digest import record_digest
from cemnet_jax.data.folders import SPLITS, dataset_path, load_records
from cemnet_jax.data.source import Clips
from cemnet_jax.data.verify import (
  Checked,
  Report,
  digest_problems,
  file_problems,
  pin_problems,
  problem,
  scan,
)
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.audio import MFCC_STEP, MFCC_WINDOW

STEPS = {(1, 1), (1, 0), (0, 1)}  # of an alignment path


class Labels(NamedTuple):
  """What rows are compared with; arrays over all clips by their global index.

  Attributes:
    emotion, speaker, sentence: numbers that are equal where these are.
    lengths: video frames.
    ranges: split -> global indices.
  """
  emotion: Int[np.ndarray, ' N']
  speaker: Int[np.ndarray, ' N']
  sentence: Int[np.ndarray, ' N']
  lengths: Int[np.ndarray, ' N']
  ranges: dict[str, range]

  @classmethod
  def of(cls, clips: Clips) -> 'Labels':
    """Of a clips dataset; small enough to travel to other processes."""
    sentence = np.unique(clips.table['sentence'], return_inverse=True)[1]
    return cls(clips.table['emotion'], clips.table['speaker_index'], sentence, clips.lengths(),
               clips.ranges)


def verify_pairs(data_dir, name: str, processes: int = 1) -> Report:
  """Checks every row of the pairs dataset `name`, say `pairs/aee-synth_mead-mead_debug`.

  Args:
    processes: how many read; their number changes nothing.

  Raises:
    UserError: no such dataset, one of another kind, or its clips are absent.
  """
  path = dataset_path(data_dir, name)
  info = load_records(path).info
  kinds = [kind for kind, (fields, _) in _KINDS.items() if set(info.features) == fields]
  if not kinds or not {'clips', 'clips_version', 'record_counts'} <= set(info.metadata or {}):
    raise UserError(f'{name} in {path} holds no pairs that this version knows: remove the folder '
                    'and build it again')
  clips_name = info.metadata['clips']
  clips, clips_path = Clips(data_dir, clips_name), dataset_path(data_dir, clips_name)
  problems = file_problems(info) + pin_problems(
    name, info.metadata, clips_name, {s: len(r) for s, r in clips.ranges.items()},
    clips_path.name, clips_path)
  counts = {s: info.splits[s].num_examples for s in SPLITS if s in info.splits}
  check = functools.partial(_check_row, _KINDS[kinds[0]][1], Labels.of(clips))
  digest = hashlib.sha256()
  for split, index, checked in scan(path, counts, check, processes):
    digest.update(checked.digest)
    problems += [problem(split, index, checked.id, what) for what in checked.problems]
  problems = problems or digest_problems(path, digest.hexdigest())
  return Report(f'{sum(counts.values())} rows', problems, digest.hexdigest())


def _check_row(problems_of, labels: Labels, split: str, row: dict) -> Checked:
  return Checked('', problems_of(labels, split, row), record_digest(row))


def cross_emotion_problems(labels: Labels, split: str, row: Mapping) -> list[str]:
  """What is wrong with a driving clip and its reference; one line for each check that fails."""
  home = {'driving': split, 'reference': 'train' if split == 'test_sentence' else split}
  found = [f'{role} clip {row[role]} is not in {where}' for role, where in home.items()
           if row[role] not in labels.ranges[where]]
  if found:
    return found
  driving, reference = row['driving'], row['reference']
  found = [f'{role}_emotion is {row[f"{role}_emotion"]}, that of clip {row[role]} is '
           f'{labels.emotion[row[role]]}' for role in home
           if row[f'{role}_emotion'] != labels.emotion[row[role]]]
  if driving == reference:
    found.append(f'clip {driving} is its own reference')
  if labels.speaker[driving] != labels.speaker[reference]:
    found.append(f'clips {driving} and {reference} are of different speakers')
  elif labels.sentence[driving] == labels.sentence[reference]:
    others = np.array(labels.ranges[home['reference']])
    for column in (labels.speaker, labels.emotion):
      others = others[column[others] == column[reference]]
    if (labels.sentence[others] != labels.sentence[driving]).any():
      found.append(f'clips {driving} and {reference} say the same, though there are references '
                   'that say something else')
  return found


def aee_problems(labels: Labels, split: str, row: Mapping) -> list[str]:
  """What is wrong with two emotions x two speakers x two sentences and their paths."""
  eight, canonical = row['clips'], row['canonical']
  outside = [int(i) for i in (*eight[eight >= 0], *canonical) if i not in labels.ranges[split]]
  if outside:
    return [f'clip {outside[0]} is not in {split}']
  if min(eight[0, 0, 0], eight[1, 1, 1]) < 0:
    return ['the first or the last of the eight clips is missing']
  found = []
  for axis, name in enumerate(('emotion', 'speaker', 'sentence')):
    column = getattr(labels, name)
    for side in range(2):
      clips = np.take(eight, side, axis)
      if len(set(column[clips[clips >= 0]])) > 1:
        found.append(f'{name} {side} is not the same in clips {clips.ravel().tolist()}')
    if column[eight[0, 0, 0]] == column[eight[1, 1, 1]]:
      found.append(f'both {name}s are the same')
  for side in range(2):
    if labels.sentence[canonical[side]] != labels.sentence[eight[side, side, side]]:
      found.append(f'canonical clip {canonical[side]} does not say sentence {side}')
  return found + _path_problems(labels, row)


def _path_problems(labels, row):
  lengths, paths = row['path_lengths'], row['paths']
  if min(lengths) < 0 or sum(lengths) != len(paths):
    return [f'path_lengths {lengths.tolist()} do not fit the {len(paths)} steps of paths']
  found, frames = [], MFCC_STEP * (labels.lengths - 1) + MFCC_WINDOW
  for flat, path in enumerate(np.split(paths, np.cumsum(lengths)[:-1])):
    clip, canonical = row['clips'].flat[flat], row['canonical'][flat % 2]
    if clip < 0:
      wrong = 'should be empty' if len(path) else ''
    else:
      wrong = path_problem(path, int(frames[canonical]), int(frames[clip]))
    if wrong:
      found.append(f'path {flat} of clip {clip} {wrong}')
  return found


def path_problem(path: Int[np.ndarray, 'P 2'], rows: int, columns: int) -> str:
  """Why a path does not lead from (0, 0) to the end in single steps; '' where it does."""
  if not len(path):
    return 'is empty'
  ends = [tuple(path[at].tolist()) for at in (0, -1)]
  if ends != [(0, 0), (rows - 1, columns - 1)]:
    return f'leads from {ends[0]} to {ends[1]}, not from (0, 0) to {(rows - 1, columns - 1)}'
  steps = set(map(tuple, np.diff(path, axis=0).tolist()))
  return f'has the steps {sorted(steps - STEPS)}' if steps - STEPS else ''


_KINDS = {
  'aee': ({'clips', 'canonical', 'paths', 'path_lengths'}, aee_problems),
  'cross_emotion': ({'driving', 'reference', 'driving_emotion', 'reference_emotion'},
                    cross_emotion_problems)}
