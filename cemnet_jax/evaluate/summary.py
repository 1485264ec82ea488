"""Rows of single cases -> means and spreads per protocol, split, group and method."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.methods import TRUTH
from cemnet_jax.evaluate.run import Row
from cemnet_jax.metrics import fid, tally
from cemnet_jax.topology import EMOTIONS

# Metric -> the metric that is it divided by that of the real clips, or its distance from that.
RELATIVE = {'ea': 'ea_relative', 'ea_lower': 'ea_lower_relative',
            'ea_landmarks': 'ea_landmarks_relative'}
DISTANCE = {'lse_c': 'lse_c_distance'}


class Value(NamedTuple):
  """Mean and spread of a metric over repetitions, or over trained seeds where there are several.

  `spread` is the sample standard deviation, nan of a single value; `count` is what one repetition
  counted on average.
  """
  mean: float
  spread: float
  count: float


class Key(NamedTuple):
  """One row of one table."""
  protocol: str
  split: str
  group: str  # '' for all clips; an intensity, or 'reference>speech' of the matrix
  method: str


def groups_of(clips: Clips) -> Callable[[Row], list[str]]:
  """The function that tells into which groups a row falls; all clips are a group, ''."""
  emotion, level = clips.table['emotion'], clips.table['intensity']

  def groups(row):
    driving, reference, _ = row.case
    if row.protocol == 'matrix':
      return ['', f'{EMOTIONS[emotion[reference]]}>{EMOTIONS[emotion[driving]]}']
    if row.protocol == 'intensity':
      return [f'level {level[driving]}']
    return ['']

  return groups


def summarise(runs: Sequence[Sequence[Row]], groups: Callable[[Row], list[str]]
              ) -> dict[Key, dict[str, Value]]:
  """Means over clips, then over repetitions, then over runs (one run per trained seed)."""
  per_run = [_one_run(rows, groups) for rows in runs]
  merged = {}
  for key in dict.fromkeys(k for samples in per_run for k in samples):
    found = [samples[key] for samples in per_run if key in samples]
    names = dict.fromkeys(name for samples in found for sample in samples for name in sample)
    merged[key] = {name: _value([[s[name] for s in samples if name in s] for samples in found])
                   for name in names}
  return merged


def _one_run(rows, groups):
  """Key -> one {metric: (mean, count)} for each repetition."""
  pools = {}
  for row in rows:
    for group in groups(row):
      key = Key(row.protocol, row.split, group, row.method)
      pools.setdefault(key, {}).setdefault(row.repetition, []).append(row.record)
  samples = {key: {r: _scores(records) for r, records in by_repetition.items()}
             for key, by_repetition in pools.items()}
  for key, by_repetition in samples.items():
    real = key._replace(method=TRUTH)
    for repetition, scores in by_repetition.items():
      _relate(scores, samples.get(real, {}).get(repetition, {}))
      _add_fid(scores, pools[key][repetition], pools.get(real, {}).get(repetition, []))
  return {key: list(by_repetition.values()) for key, by_repetition in samples.items()}


def _scores(records):
  names = dict.fromkeys(name for record in records for name in record.scores)
  merged = {name: tally.merge([r.scores[name] for r in records if name in r.scores])
            for name in names}
  scores = {name: (tally.mean(t), t.count) for name, t in merged.items() if t.count}
  drawn = sum('psnr' in record.scores for record in records)
  return {'clips': (float(len(records)), 1.), **({'drawn': (float(drawn), 1.)} if drawn else {}),
          **scores}


def _relate(scores, real):
  for name, relative in RELATIVE.items():
    if name in scores and real.get(name, (0,))[0]:
      scores[relative] = (scores[name][0] / real[name][0], scores[name][1])
  for name, distance in DISTANCE.items():
    if name in scores and name in real:
      scores[distance] = (abs(scores[name][0] - real[name][0]), scores[name][1])


def _add_fid(scores, records, real):
  pools = [[fid.moments(r.features) for r in some if r.features.size] for some in (records, real)]
  if all(pools):
    mine, theirs = (fid.merge(p) for p in pools)
    scores['fid'] = (fid.frechet_distance(mine, theirs), mine.count)


def _value(by_run):
  """[[(mean, count) of each repetition] of each run] -> Value."""
  by_run = [samples for samples in by_run if samples]
  means = [float(np.mean([m for m, _ in samples])) for samples in by_run]
  spread_over = means if len(means) > 1 else [m for m, _ in by_run[0]]
  spread = float(np.std(spread_over, ddof=1)) if len(spread_over) > 1 else float('nan')
  counts = [count for samples in by_run for _, count in samples]
  return Value(float(np.mean(means)), spread, float(np.mean(counts)))


def confusions(rows: Sequence[Row], clips_of: Callable[[str], Clips]
               ) -> Mapping[tuple[str, str, str], np.ndarray]:
  """(protocol, split, method) -> (E, E) sum of what drawn clips' lower halves were taken for.

  `clips_of` gives the clips that a protocol's rows count.
  """
  tables = {}
  for row in rows:
    if row.record.taken_for:
      key = row.protocol, row.split, row.method
      table = tables.setdefault(key, np.zeros((len(EMOTIONS),) * 2))
      table[clips_of(row.protocol).table['emotion'][row.case[0]]] += row.record.taken_for
  return tables
