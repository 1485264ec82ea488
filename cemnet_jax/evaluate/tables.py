"""Means and spreads -> the cells of tables, as markdown and as rows of text."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cemnet_jax.evaluate.methods import UNRANKED
from cemnet_jax.evaluate.summary import Key, Value
from cemnet_jax.files import write_text

NOT_MEASURED = 'not measured'


class Column(NamedTuple):
  """How a metric is shown; `better` is 'lower', 'higher' or '' where neither is."""
  heading: str
  form: str = '{:.2f}'
  factor: float = 1
  better: str = ''


COLUMNS = {
  'm_lmd': Column('M-LMD', better='lower'),
  'm_lmd_plain': Column('M-LMD uncentred', better='lower'),
  'm_lmd_seen': Column('M-LMD in pictures', better='lower'),
  'f_lmd': Column('F-LMD', better='lower'),
  'f_lmd_seen': Column('F-LMD in pictures', better='lower'),
  'ea': Column('EA %', '{:.1f}', 100, 'higher'),
  'ea_relative': Column('EA / real', better='higher'),
  'ea_lower': Column('EA lower face %', '{:.1f}', 100, 'higher'),
  'ea_lower_relative': Column('EA lower face / real', better='higher'),
  'ea_clip_lower': Column('EA lower face, clips %', '{:.1f}', 100, 'higher'),
  'ea_landmarks': Column('EA landmarks, clips %', '{:.1f}', 100, 'higher'),
  'ea_landmarks_relative': Column('EA landmarks / real', better='higher'),
  'lse_c': Column('LSE-C', better='higher'),
  'lse_c_distance': Column('|LSE-C - real|', better='lower'),
  'lse_d': Column('LSE-D', better='lower'),
  'sync_offset': Column('|offset| frames', '{:.1f}', better='lower'),
  'offset_ms': Column('lip gap offset ms', '{:.0f}', better='lower'),
  'gap_correlation': Column('lip gap corr.', better='higher'),
  'csim': Column('CSIM', '{:.3f}', better='higher'),
  'psnr': Column('PSNR', better='higher'), 'ssim': Column('SSIM', '{:.3f}', better='higher'),
  'psnr_region': Column('PSNR region', better='higher'),
  'ssim_region': Column('SSIM region', '{:.3f}', better='higher'),
  'sharpness': Column('sharpness / real', better='higher'),
  'fid': Column('FID', '{:.1f}', better='lower'),
  'silence': Column('motion in silence'), 'silence_seen': Column('motion in silence, pictures'),
  'jitter': Column('jitter'), 'jitter_seen': Column('jitter, pictures')}
# The paper's columns first; a table of them all would be too wide to read.
MAIN = ('psnr', 'ssim', 'm_lmd', 'm_lmd_seen', 'ea', 'ea_relative', 'ea_lower',
        'ea_lower_relative', 'ea_landmarks', 'csim', 'lse_c', 'lse_c_distance', 'lse_d')
MORE = ('m_lmd_plain', 'f_lmd', 'f_lmd_seen', 'ea_landmarks_relative', 'ea_clip_lower',
        'sync_offset', 'offset_ms', 'gap_correlation', 'psnr_region', 'ssim_region', 'fid',
        'silence', 'silence_seen', 'jitter', 'jitter_seen')


class Grid(NamedTuple):
  """A table as text: its headings, and its rows, whose first cell is a name.

  `best` holds (row, column) of the best system's cells.
  """
  columns: list[str]
  rows: list[list[str]]
  best: tuple[tuple[int, int], ...] = ()


def grid(merged: Mapping[Key, Mapping[str, Value]], protocol: str, split: str,
         methods: Sequence[str], columns: Sequence[str], group: str = '') -> Grid:
  """One table; the row of a method that was not measured says so in every cell."""
  found = [merged.get(Key(protocol, split, group, method), {}) for method in methods]
  rows = [[method, *(cell(scores.get(name), COLUMNS[name]) for name in columns)]
          for method, scores in zip(methods, found, strict=True)]
  systems = [{} if method in UNRANKED else scores
             for method, scores in zip(methods, found, strict=True)]
  best = tuple((row, at) for at, name in enumerate(columns, start=1)
               for row in _best([scores.get(name) for scores in systems], COLUMNS[name].better))
  return Grid(['method', *(COLUMNS[name].heading for name in columns)], rows, best)


def _best(values, better):
  """Index of the best of several values, as a list; empty where nothing is compared."""
  known = {i: v.mean for i, v in enumerate(values) if v is not None and np.isfinite(v.mean)}
  if not better or len(known) < 2:
    return []
  return [(min if better == 'lower' else max)(known, key=known.get)]


def cell(value: Value | None, column: Column) -> str:
  """A mean, with its spread where there is one."""
  if value is None or not np.isfinite(value.mean):
    return NOT_MEASURED
  text = column.form.format(column.factor * value.mean)
  if not np.isfinite(value.spread):
    return text
  return f'{text} ± {column.form.format(column.factor * value.spread)}'


def markdown(table: Grid) -> str:
  """The table in markdown, the best cells in bold."""
  rows = [[f'**{text}**' if (i, j) in table.best else text for j, text in enumerate(row)]
          for i, row in enumerate(table.rows)]
  lines = [table.columns, ['---'] * len(table.columns), *rows]
  bar = lambda text: text.replace('|', r'\|')  # a bare one would end the cell
  return '\n'.join('| ' + ' | '.join(map(bar, line)) + ' |' for line in lines)


def write_lines(path, value: Mapping[str, object], rows: Iterable[Mapping]) -> None:
  """JSON with `value` and, under 'clips', one line for each row, so that differences are read."""
  head = json.dumps(value, indent=1, sort_keys=True)
  body = ',\n'.join(json.dumps(row, sort_keys=True) for row in rows)
  write_text(path, f'{head[:-2]},\n "clips": [\n{body}\n]\n}}\n')
