"""Runs protocols: every case by every method, each measured once, as one row per clip."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.cases import SPLITS, Case, draw_cases
from cemnet_jax.evaluate.measure import Judge, without_pictures
from cemnet_jax.evaluate.methods import BOUNDS, TOLD, Method
from cemnet_jax.evaluate.records import Record, Records

MAIN = ('wav2lip', 'a2m_renderer', 'cemnet')
ABLATIONS = ('cemnet_no_ebm', 'cemnet_no_aee', 'cemnet')
# Protocol -> the systems that it compares.
SYSTEMS_OF = {
  'neutral_base': MAIN, 'cross_emotion': MAIN, 'lrs': MAIN, 'ablation': (*ABLATIONS, TOLD),
  'matrix': ('cemnet',), 'intensity': MAIN}


class Settings(NamedTuple):
  """How much to measure.

  Attributes:
    repetitions: each draws other references for the same driving clips.
    references: pictures of the speaker given to a method.
    clips: how many of a split, drawn by the seed; 0 for all.
    cell_clips: how many of each cell of the matrix.
    drawn: how many of a split's cases are drawn as pictures.
    cell_drawn: how many of each cell's; with none, heat maps are of landmarks.
    frames: how many frames of each; 0 for all, which most metrics of pictures need.
    raw_size: px of whole pictures that cemnet is measured on besides; 0 for none.
    raw_clips: how many of a split.
  """
  protocols: Sequence[str] = ('neutral_base', 'cross_emotion')
  splits: Sequence[str] = SPLITS
  repetitions: int = 5
  references: int = 5
  clips: int = 0
  cell_clips: int = 8
  drawn: int = 32
  cell_drawn: int = 0
  frames: int = 0
  raw_size: int = 0
  raw_clips: int = 4
  seed: int = 0


class Row(NamedTuple):
  """One case by one method. `repetition` counts the drawings of references."""
  protocol: str
  split: str
  repetition: int
  method: str
  case: tuple[int, int, int]
  drawn: bool
  record: Record


def systems_of(protocols: Sequence[str]) -> tuple[str, ...]:
  """The systems that some of the protocols compare, in the order of tables."""
  wanted = {name for p in protocols for name in SYSTEMS_OF[p]}
  return tuple(name for name in (*MAIN[:2], *ABLATIONS, TOLD) if name in wanted)


def run(clips: Clips, methods: Sequence[Method], judge: Judge, records: Records | None,
        settings: Settings) -> list[Row]:
  """Rows of all protocols, splits and repetitions; those that are on record are not made again.

  Pose and upper face come from the driving clip, as in the paper's Appendix C.

  Raises:
    UserError: none of the splits has clips, or none of a split's clips a reference.
  """
  splits = [s for s in settings.splits if len(clips.ranges[s])]
  if not splits:
    raise UserError(f'{clips.name} has no clips in {", ".join(settings.splits)}: '
                    'evaluate another split')
  work = []
  for protocol in settings.protocols:
    chosen = [m for m in methods if m.name in (*BOUNDS, *SYSTEMS_OF[protocol])]
    for split in splits:
      for repetition in range(settings.repetitions):
        limit = settings.cell_clips if protocol == 'matrix' else settings.clips
        cases = draw_cases(clips, split, protocol, settings.seed, limit, repetition)
        # Of the same clips in each repetition, so that the spread is that of the references.
        shuffled = np.random.default_rng([settings.seed, 7]).permutation(len(cases))
        drawn = (_each_cell(clips, cases, settings.cell_drawn) if protocol == 'matrix' else
                 set(shuffled[:settings.drawn]))
        work += [(protocol, split, repetition, method, case, number in drawn)
                 for number, case in enumerate(cases) for method in chosen]
  kept = _measure(work, judge, records)
  return [Row(protocol, split, repetition, method.name, tuple(case), drawn,
              kept[method.name, case, drawn])
          for protocol, split, repetition, method, case, drawn in work]


def _each_cell(clips, cases, count) -> set[int]:
  """Numbers of the first `count` cases of every pair of emotions."""
  emotion, cells = clips.table['emotion'], {}
  for number, case in enumerate(cases):
    cells.setdefault((emotion[case.reference], emotion[case.driving]), []).append(number)
  return {number for cell in cells.values() for number in cell[:count]}


def _measure(work, judge: Judge, records: Records | None) -> dict[tuple, Record]:
  """(method's name, case, drawn) -> record; every case once, several clips at a time."""
  wanted = {}
  for *_, method, case, drawn in work:
    key = method.name, case
    wanted[key] = method, drawn or wanted.get(key, (method, False))[1]
  measured, missing = {}, {}
  # Not in threads: NumPy reads headers by ast.parse, which fails there in Python 3.11.
  for (name, case), (method, drawn) in wanted.items():
    record = records.get(name, case, drawn) if records else None
    if record:
      measured[name, case] = record
    else:
      missing.setdefault(case.driving, {}).setdefault(case, {})[name] = method, drawn

  def answer(cases):
    found = {}
    groups = _alike(cases)
    for some, question in zip(groups, judge.questions(groups), strict=True):
      for name, (method, _) in cases[some[0]].items():
        drawn = [cases[case][name][1] for case in some]
        for case, record in zip(some, judge.measure(question, method, drawn), strict=True):
          found[name, case] = record
          if records:
            records.put(name, case, wanted[name, case][1], record)
    return found

  # Nets, decoding and filters all let go of Python's lock.
  pool = ThreadPoolExecutor(os.cpu_count())
  try:
    # By driving clip, since what is known of it serves its other cases too.
    for found in tqdm(pool.map(answer, (missing[i] for i in sorted(missing))), total=len(missing),
                      desc='clips', unit='clip', mininterval=1.0, disable=None):
      measured.update(found)
  finally:
    pool.shutdown(cancel_futures=True)
  # A record may tell of pictures that are drawn in another protocol or were in an earlier run.
  plain = {key: without_pictures(record) for key, record in measured.items()}
  return {(*key, drawn): record for drawn, some in ((True, measured), (False, plain))
          for key, record in some.items()}


def _alike(cases) -> list[list[Case]]:
  """Cases of one clip, in lists of those that the same methods are asked about."""
  groups = {}
  for case in sorted(cases):
    groups.setdefault(tuple(cases[case]), []).append(case)
  return list(groups.values())
