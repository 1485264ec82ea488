"""Rows of scores -> markdown: the tables, the ratios that the memory is judged by, results.md."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from cemnet_jax.evaluate.protocol import ORACLE, TRUTH

# metric -> heading, format, factor
COLUMNS = {
  'm_lmd': ('M-LMD', '{:.2f}', 1), 'm_lmd_plain': ('M-LMD uncentred', '{:.2f}', 1),
  'f_lmd': ('F-LMD', '{:.2f}', 1), 'emotion': ('EA %', '{:.1f}', 100),
  'relative_emotion': ('EA / real', '{:.2f}', 1), 'offset_ms': ('offset ms', '{:.0f}', 1),
  'gap_correlation': ('lip gap corr.', '{:.2f}', 1), 'psnr': ('PSNR', '{:.2f}', 1),
  'ssim': ('SSIM', '{:.3f}', 1), 'psnr_lower': ('PSNR lower', '{:.2f}', 1),
  'ssim_lower': ('SSIM lower', '{:.3f}', 1)}
NOT_MEASURED = 'not measured'
PROTOCOL_TITLES = {
  'neutral_base': 'Neutral base (references show the neutral face)',
  'cross_emotion': 'Cross emotion (references show another emotion than the speech)'}
SPLIT_TITLES = {'test': 'unseen speakers', 'val': 'validation speakers',
                'test_sentence': 'unseen sentences of seen speakers'}
SCORERS = """\
- M-LMD, F-LMD: mean Euclidean distance in px of a face (the crop) scaled to 256 px, against the
  landmarks of the real clip; M-LMD over the 40 lip points with both sets mean-centred (EAT's
  definition) and, beside it, uncentred; F-LMD over all 131 points, of which 74 come from the real
  clip. Landmarks are the nets' own output, not detected anew in the pictures.
- EA: share of clips whose emotion is found by a logistic regression on the 57 mouth and jaw points
  of each frame in the face's stable frame (no brow, no eye), fitted to all training clips; mean
  log-probability over a clip.
- offset, lip gap corr.: peak of the cross-correlation of the lip gap with the real clip's; the
  median of |offset| over clips, the mean of the correlation.
- PSNR (dB), SSIM (11 x 11 Gaussian window): on the {size} px crop, and on its lower half, which is
  what the renderer draws, for a seeded subset of clips and frames.
- LipSync, CSIM, FID: not measured.
"""


def merge(rows: Iterable[Mapping]) -> dict[tuple[str, str, str], dict]:
  """Mean and spread over repetitions: (protocol, split, method) -> metric -> (mean, std)."""
  groups = {}
  for row in rows:
    groups.setdefault((row['protocol'], row['split'], row['method']), []).append(row)
  merged = {}
  for key, group in groups.items():
    names = [n for n in (*COLUMNS, 'clips', 'frames') if n in group[0]]
    values = {n: [row[n] for row in group] for n in names}
    merged[key] = {n: (float(np.mean(v)), float(np.std(v)) if np.isfinite(v).all() else 0.)
                   for n, v in values.items()}
  for (protocol, split, _), scores in merged.items():
    real = merged.get((protocol, split, TRUTH), {}).get('emotion')
    if real and real[0] and 'emotion' in scores:
      scores['relative_emotion'] = (scores['emotion'][0] / real[0], 0.)
  return merged


def table(merged: Mapping, protocol: str, split: str, columns: Sequence[str] = tuple(COLUMNS)
          ) -> str:
  """One markdown table: a row per method in the order of measuring; spread where it is not 0."""
  lines = ['| method | ' + ' | '.join(COLUMNS[c][0] for c in columns) + ' |',
           '|---' * (len(columns) + 1) + '|']
  for (p, s, method), scores in merged.items():
    if (p, s) == (protocol, split):
      cells = [_cell(scores.get(c), *COLUMNS[c][1:]) for c in columns]
      lines.append(f'| {method} | ' + ' | '.join(cells) + ' |')
  return '\n'.join(lines)


def _cell(value, form, factor):
  if value is None:
    return NOT_MEASURED
  mean, spread = value
  if not np.isfinite(mean):
    return '∞'
  text = form.format(factor * mean)
  return f'{text} ± {form.format(factor * spread)}' if spread else text


def gain(merged: Mapping, split: str, system: str = 'cemnet', baseline: str = 'audio2mouth',
         metric: str = 'm_lmd', protocol: str = 'cross_emotion') -> float | None:
  """By how many percent `system` is below `baseline`; None where either was not measured."""
  found = [merged.get((protocol, split, name), {}).get(metric) for name in (system, baseline)]
  return None if None in found else 100 * (1 - found[0][0] / found[1][0])


def gains_table(merged: Mapping, splits: Sequence[str]) -> str:
  """Cross-emotion M-LMD of cemnet against Audio2Mouth alone and against the ablation."""
  lines = ['| cross emotion, M-LMD of cemnet is below that of | '
           + ' | '.join(SPLIT_TITLES.get(s, s) for s in splits) + ' |',
           '|---' * (len(splits) + 1) + '|']
  for baseline in ('audio2mouth', 'cemnet_no_ebm'):
    for metric, note in (('m_lmd', ''), ('m_lmd_plain', ', uncentred')):
      values = [gain(merged, s, baseline=baseline, metric=metric) for s in splits]
      cells = [NOT_MEASURED if v is None else f'{v:.1f} %' for v in values]
      lines.append(f'| {baseline}{note} | ' + ' | '.join(cells) + ' |')
  return '\n'.join(lines)


def all_tables(rows: Sequence[Mapping], image_size: int) -> str:
  """Gains, every protocol x split table, and the names of the scorers, as markdown."""
  merged = merge(rows)
  splits = list(dict.fromkeys(row['split'] for row in rows))
  parts = ['## What the memory gains', gains_table(merged, splits)]
  for protocol in dict.fromkeys(row['protocol'] for row in rows):
    parts.append(f'## {PROTOCOL_TITLES[protocol]}')
    for split in splits:
      first = merged.get((protocol, split, TRUTH))
      drawn = merged.get((protocol, split, ORACLE), {}).get('frames')
      count = f'{first["clips"][0]:.0f} clips' if first else ''
      count += f', pictures of {drawn[0]:.0f} frames' if drawn else ''
      parts += [f'### {SPLIT_TITLES.get(split, split)} ({count})', table(merged, protocol, split)]
  parts += ['## Scorers', SCORERS.format(size=image_size)]
  return '\n\n'.join(parts)


def times_table(seconds: Mapping[str, float]) -> str:
  """Wall time of each part and their sum."""
  lines = ['| part | seconds |', '|---|---|']
  lines += [f'| {name} | {value:.0f} |' for name, value in seconds.items()]
  return '\n'.join([*lines, f'| together | {sum(seconds.values()):.0f} |'])


def write_text(path, text: str) -> None:
  """Writes a file as a whole or not at all."""
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  scratch = path.with_name(f'.{path.name}.{os.getpid()}')
  scratch.write_text(text, encoding='utf-8')
  os.replace(scratch, path)


def write_rows(path, rows: Sequence[Mapping]) -> None:
  """Rows as JSON, one per line inside a list."""
  write_text(path, '[\n' + ',\n'.join(json.dumps(row) for row in rows) + '\n]\n')
