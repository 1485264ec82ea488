"""Tables of the measured cases: medians and worst beside the limits, and every case."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.real.measure import GROUPS
from benchmarks.table import line, rule


class Column(NamedTuple):
  """How a measure is shown; `worst` takes the worst of several values."""
  title: str
  form: str
  worst: str  # 'min', 'max', 'far' (from zero); '' where no value is worse than another
  limits: tuple[str, str, str] = ('', '', '')  # of GROUPS, as text

  def pick(self, values: Sequence[float]) -> float:
    """The worst of the values; NaN, which nothing could be measured from, is worse than all."""
    if np.isnan(values).any():
      return float('nan')
    return {'min': min, 'max': max, 'far': lambda v: max(v, key=abs)}[self.worst](values)


EVERY = lambda text: (text,) * len(GROUPS)
COLUMNS = {
  'detected': Column('detected %', '{:.1%}', 'min', EVERY('100 %')),
  'sharpness': Column('sharpness after H.264', '{:.2f}', 'min', EVERY('>= .8')),
  'sharpness_skin': Column('of it, without the mouth', '{:.2f}', 'min'),
  'sharpness_drawn': Column('sharpness before', '{:.2f}', 'min'),
  'outside': Column('outside change', '{:.2f}', 'max', EVERY('< 1')),
  'outside_p99': Column('outside, 99th percentile', '{:.1f}', 'max'),
  'outside_worst_frame': Column('outside, worst frame', '{:.2f}', 'max'),
  'slope': Column('drawn / asked slope', '{:.2f}', 'min', ('>= .7', '', '>= .8')),
  'correlation': Column('correlation', '{:.2f}', 'min', ('>= .9', '', '>= .9')),
  'asked_max': Column('largest gap asked', '{:.3f}', ''),
  'drawn_max': Column('largest gap drawn', '{:.3f}', ''),
  'lag_ms': Column('lag to sound ms', '{:+.0f}', 'far'),
  'sync': Column('sync with sound', '{:.2f}', 'min'),
  'asked_lag_ms': Column('asked lag ms', '{:+.0f}', 'far'),
  'asked_sync': Column('asked sync', '{:.2f}', 'min'),
  'own_sync': Column("video's own sync", '{:.2f}', 'min'),
  'own_lag_ms': Column("video's own lag ms", '{:+.0f}', 'far'),
  'step': Column('colour step', '{:.2f}', 'max'),
  'step_worst_piece': Column('colour step, worst piece', '{:.1f}', 'max'),
  'find_s': Column('finding the face s', '{:.1f}', 'max'),
  'ms_per_frame': Column('ms a frame', '{:.0f}', 'max')}
CASE_COLUMNS = ('face_px', 'detected', 'sharpness', 'sharpness_skin', 'outside', 'outside_p99',
                'slope', 'correlation', 'asked_max', 'drawn_max', 'lag_ms', 'sync', 'asked_sync',
                'step', 'step_worst_piece', 'ms_per_frame')
FACE = Column('face px', '{:.0f}', '')


def number(value: float | None, form: str) -> str:
  """A cell; what could not be measured is a dash."""
  return '-' if value is None or np.isnan(value) else form.format(value)


def summary(cases: Sequence[Mapping]) -> Iterator[str]:
  """Medians and worst values of each group of cases beside the limits."""
  groups = [(name, [c for c in cases if c['group'] == name]) for name in GROUPS]
  groups = [(at, name, found) for at, (name, found) in enumerate(groups) if found]
  yield line('measure', *(text for _, name, found in groups for text in (
    f'{name} ({len(found)}), median', 'worst', 'limit')))
  yield rule(1 + 3 * len(groups))
  for key, column in COLUMNS.items():
    cells = []
    for at, _, found in groups:
      values = [c[key] for c in found if c.get(key) is not None]
      # A value that could not be measured is left out of the median, and is the worst.
      median = np.nanmedian(values) if np.isfinite(values).any() else None
      cells += [number(median, column.form),
                number(column.pick(values), column.form) if values and column.worst else '',
                column.limits[at]]
    yield line(column.title, *cells)


def every_case(cases: Sequence[Mapping]) -> Iterator[str]:
  """One row a case; a star marks portraits with closed lips."""
  columns = {key: FACE if key == 'face_px' else COLUMNS[key] for key in CASE_COLUMNS}
  yield line('case', 'emotion heard', *(column.title for column in columns.values()))
  yield rule(2 + len(columns))
  for case in cases:
    star = ' *' if case['group'] == GROUPS[0] else ''
    yield line(case['name'] + star, case['heard'],
               *(number(case.get(key), column.form) for key, column in columns.items()))


def emotions(found: Mapping) -> Iterator[str]:
  """Share of the synthetic world's effect for each emotion, and every expected blendshape."""
  yield line('emotion', 'share, median of faces', 'worst face', 'blendshape', 'expected',
             'drawn effect, median', "effect in the world's own clips")
  yield rule(7)
  for emotion, row in found.items():
    head = [emotion, number(row['share_median'], '{:.2f}'), number(row['share_worst'], '{:.2f}')]
    for shape, values in row['shapes'].items():
      yield line(*head, shape, 'up' if values['expected'] > 0 else 'down',
                 number(values['drawn'], '{:+.3f}'), number(values['world'], '{:+.3f}'))
      head = ['', '', '']
