"""A table of clips -> rows of pairs: which clips to compare, and how they align in time."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from cemnet_jax.preprocess.alignment import dtw_path
from cemnet_jax.preprocess.audio import mfcc_track
from cemnet_jax.topology import EMOTIONS, NEUTRAL, UNKNOWN

PAIR_SEED = 1368  # draws rows; recorded in the metadata
AEE_ROWS_PER_CLIP = 2
DRAWS = 64  # attempts to find a row whose eight clips all exist before one may be missing
_AEE_STREAM, _CROSS_STREAM = 61, 62


def cross_emotion_rows(table: dict, clips: range, references: range) -> Iterator[dict]:
  """One row for each driving clip and each emotion of which its speaker has a reference.

  Clips of unknown emotion are in none.

  Args:
    table: columns `speaker`, `emotion`, `sentence` over all clips of the dataset.
    clips: global indices of the driving clips.
    references: where references come from; another sentence is taken when there is one.
  """
  by_face = defaultdict(list)
  for i in references:
    by_face[table['speaker'][i], int(table['emotion'][i])].append(i)
  for driving in _known(table, clips):
    speaker, sentence = table['speaker'][driving], table['sentence'][driving]
    random = np.random.Generator(np.random.PCG64([_CROSS_STREAM, PAIR_SEED, driving]))
    for emotion in range(len(EMOTIONS)):
      candidates = [i for i in by_face[speaker, emotion] if i != driving]
      other = [i for i in candidates if table['sentence'][i] != sentence]
      if candidates:
        yield {'driving': driving, 'reference': int(random.choice(other or candidates)),
               'driving_emotion': int(table['emotion'][driving]), 'reference_emotion': emotion}


def aee_rows(table: dict, clips: range, train_speakers: int,
             align: Callable[[dict[int, list[int]]], dict[int, np.ndarray]]) -> Iterator[dict]:
  """Rows of two speakers x two emotions x two contents with the alignment of their eight clips.

  Clips of unknown emotion are in none.

  Args:
    table: columns `speaker_index`, `emotion`, `intensity`, `sentence`, `num_frames`.
    clips: global indices of one split.
    train_speakers: speakers below are training speakers, whose renditions can be canonical.
    align: {canonical clip: clips of its sentence} -> {clip: DTW path (P, 2) int16}.

  Yields:
    `clips` (2, 2, 2) by [emotion, timbre, content], -1 where a clip is missing; the clips
    (e0, t0, c0) and (e1, t1, c1) always exist. Clips of one emotion have the intensity of the input
    clip that has it, where such clips exist: else no emotion encoder could foretell how loud the
    clip to reconstruct is. `canonical` (2,), `paths` (P, 2) and `path_lengths`
    (8,) as the record holds them.
  """
  random = np.random.Generator(np.random.PCG64([_AEE_STREAM, PAIR_SEED, clips.start]))
  clips = _known(table, clips)
  grid = _grid(table, clips)
  cells = sorted(grid)
  drawn = [_draw_row(random, grid, cells, table, first)
           for first in clips for _ in range(AEE_ROWS_PER_CLIP)]
  drawn = [eight for eight in drawn if eight is not None]
  canonical = _canonical_renditions(table, clips, train_speakers)
  groups = defaultdict(list)
  for i in sorted({int(i) for eight in drawn for i in eight.flat if i >= 0}):
    groups[canonical[str(table['sentence'][i])]].append(i)
  paths = align(dict(groups)) | {-1: np.zeros((0, 2), np.int16)}
  for eight in drawn:
    rows = [paths[int(i)] for i in eight.flat]
    contents = [str(table['sentence'][eight[k, k, k]]) for k in (0, 1)]
    yield {'clips': eight, 'canonical': np.array([canonical[c] for c in contents], np.int32),
           'paths': np.concatenate(rows),
           'path_lengths': np.array([len(r) for r in rows], np.int32)}


def alignment_paths(task: tuple[np.ndarray, list[np.ndarray]]) -> list[np.ndarray]:
  """(samples of the canonical clip, samples of others) -> a DTW path (P, 2) int16 to each."""
  canonical, others = task
  track = mfcc_track(canonical)
  return [dtw_path(track, mfcc_track(pcm)).astype(np.int16) for pcm in others]


def _known(table, clips):
  return [i for i in clips if table['emotion'][i] != UNKNOWN]


def _grid(table, clips):
  """(speaker, emotion, sentence) -> clips, one per intensity and take."""
  grid = defaultdict(list)
  for i in clips:
    grid[int(table['speaker_index'][i]), int(table['emotion'][i]),
         str(table['sentence'][i])].append(i)
  return grid


def _draw_row(random, grid, cells, table, first):
  """(2, 2, 2) clips around clip `first`, as complete as `DRAWS` attempts find; None if none."""
  key = (int(table['speaker_index'][first]), int(table['emotion'][first]),
         str(table['sentence'][first]))
  best, missing = None, 8
  for _ in range(DRAWS):
    second = cells[random.integers(len(cells))]
    if any(a == b for a, b in zip(key, second, strict=True)):
      continue
    eight = np.full((2, 2, 2), -1, np.int32)
    eight[0, 0, 0], eight[1, 1, 1] = first, random.choice(grid[second])
    levels = table['intensity'][eight[[0, 1], [0, 1], [0, 1]]]
    for e, t, c in np.ndindex(2, 2, 2):
      same = grid.get(((key, second)[t][0], (key, second)[e][1], (key, second)[c][2]), ())
      same = [i for i in same if table['intensity'][i] == levels[e]] or same
      if eight[e, t, c] < 0 and len(same):
        eight[e, t, c] = random.choice(same)
    if (eight < 0).sum() < missing:
      best, missing = eight, (eight < 0).sum()
    if not missing:
      break
  return best


def _canonical_renditions(table, clips, train_speakers):
  """Sentence -> the clip whose time axis it gets: of median length, neutral and of a training
  speaker where there are such."""
  choices = defaultdict(list)
  for i in clips:
    rank = (table['emotion'][i] != NEUTRAL, table['speaker_index'][i] >= train_speakers)
    choices[str(table['sentence'][i])].append((rank, int(table['num_frames'][i]), i))
  canonical = {}
  for sentence, found in choices.items():
    best = min(rank for rank, _, _ in found)
    ranked = sorted((length, i) for rank, length, i in found if rank == best)
    canonical[sentence] = ranked[(len(ranked) - 1) // 2][1]
  return canonical
