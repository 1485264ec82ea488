"""Figures and videos of an evaluation: the matrix of emotions, intensities, ablations, samples."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cemnet_jax.evaluate import heatmaps
from cemnet_jax.evaluate.cases import Case
from cemnet_jax.evaluate.evaluation import Evaluation
from cemnet_jax.evaluate.run import ABLATIONS, MAIN
from cemnet_jax.evaluate.samples import write_sample
from cemnet_jax.evaluate.summary import Key, confusions
from cemnet_jax.evaluate.tables import COLUMNS
from cemnet_jax.topology import EMOTIONS

# Metrics of heat maps and charts, the first that was measured of each tuple.
SHAPE, FELT = ('m_lmd',), ('ea_lower', 'ea_landmarks')
Drawn = list[tuple[Path, str]]  # files and their captions


def matrix_values(found: Evaluation, split: str, metric: str) -> np.ndarray:
  """(E, E): cemnet's mean for each reference emotion (rows) and speech emotion; nan if none."""
  values = np.full((len(EMOTIONS),) * 2, np.nan)
  for i, shown in enumerate(EMOTIONS):
    for j, heard in enumerate(EMOTIONS):
      scores = found.merged.get(Key('matrix', split, f'{shown}>{heard}', 'cemnet'), {})
      values[i, j] = scores[metric].mean if metric in scores else np.nan
  return values


def draw_matrix(found: Evaluation, split: str, folder: Path) -> Drawn:
  """Heat maps of reference emotion x speech emotion."""
  drawn = []
  for metric in filter(None, (_first(found, 'matrix', split, SHAPE),
                              _first(found, 'matrix', split, FELT))):
    column, path = COLUMNS[metric], folder / f'matrix_{split}_{metric}.png'
    heatmaps.heat_map(
      column.factor * matrix_values(found, split, metric), EMOTIONS, EMOTIONS,
      f'{column.heading} of cemnet, {split}', path,
      fmt=column.form.replace('.2f', '.1f').replace('.1f', '.0f' if column.factor > 1 else '.1f'),
      better=column.better or None, row_name='emotion of the references',
      column_name='emotion of the speech')
    drawn.append((path, f'{column.heading} for every pair of emotions, {split}.'))
  return drawn


def draw_charts(found: Evaluation, split: str, folder: Path) -> Drawn:
  """Ablations over seeds and systems over intensities, as far as they were measured."""
  drawn = []
  for metric in (*SHAPE, _first(found, 'ablation', split, FELT)):
    values = {name: {'': _samples(found, Key('ablation', split, '', name), metric)}
              for name in ABLATIONS}
    drawn += _chart(found, values, metric, folder / f'ablation_{split}_{metric}.png',
                    f'Ablations under cross emotion, {split}')
  for metric in (*SHAPE, _first(found, 'intensity', split, FELT)):
    levels = sorted({k.group for k in found.merged if (k.protocol, k.split) == ('intensity', split)
                     and k.group})
    values = {level: {name: _samples(found, Key('intensity', split, level, name), metric)
                      for name in MAIN} for level in levels}
    drawn += _chart(found, values, metric, folder / f'intensity_{split}_{metric}.png',
                    f'Intensity of the emotion, {split}')
  return drawn


def draw_confusion(found: Evaluation, split: str, folder: Path) -> Drawn:
  """What the emotion scorer takes the lower halves of real and of generated faces for."""
  drawn = []
  tables = confusions(found.rows[0], found.clips_of)
  for method in ('ground_truth', 'cemnet'):
    table = tables.get(('cross_emotion', split, method))
    if table is not None:
      path = folder / f'confusion_{split}_{method}.png'
      clips = table.sum(1, keepdims=True)
      shares = np.divide(table, clips, out=np.full_like(table, np.nan), where=clips > 0)
      heatmaps.heat_map(100 * shares, EMOTIONS, EMOTIONS,
                        f'Lower faces of {method}, % of frames, {split}', path, fmt='{:.0f}',
                        better=None, row_name='emotion of the speech', column_name='taken for',
                        limits=(0, 100))
      drawn.append((path, f'What the emotion scorer takes the lower face of {method} for.'))
  return drawn


def draw_samples(found: Evaluation, split: str, folder: Path,
                 report: Callable[[str], None]) -> Drawn:
  """A video of one case of each cell of the matrix's diagonal, and of its worst cell."""
  cemnet = next((m for m in found.loaded.methods if m.name == 'cemnet'), None)
  wanted = 'matrix', split, 'cemnet'
  rows = [row for row in found.rows[0] if (row.protocol, row.split, row.method) == wanted]
  if cemnet is None or not rows:
    return []
  clips = found.clips['mead']
  emotion = clips.table['emotion']
  first = {}
  for row in rows:
    first.setdefault((int(emotion[row.case[1]]), int(emotion[row.case[0]])), row.case)
  worst = np.nan_to_num(matrix_values(found, split, 'm_lmd'), nan=-1)
  cells = [(i, i) for i in range(len(EMOTIONS))]
  cells.append(tuple(int(x) for x in np.unravel_index(worst.argmax(), worst.shape)))
  drawn = []
  for number, cell in enumerate(cells):
    if cell in first:
      shown, heard = (EMOTIONS[i] for i in cell)
      kind = 'worst' if number == len(EMOTIONS) else 'diagonal'
      path = folder / f'{kind}_{split}_{shown}_{heard}.mp4'
      report(f'video {path.name}')
      write_sample(path, clips, Case(*first[cell]), [cemnet], found.settings.references)
      drawn.append((path, f'{kind} cell: references {shown}, speech {heard}.'))
  return drawn


def _samples(found, key, metric):
  return [seed[key][metric].mean for seed in found.seeds if metric in seed.get(key, {})]


def _chart(found, values, metric, path, title):
  column = COLUMNS[metric] if metric else None
  if not any(some for row in values.values() for some in row.values()):
    return []
  scaled = {label: {name: [column.factor * v for v in some] for name, some in row.items()}
            for label, row in values.items()}
  heatmaps.spread_chart(scaled, title, column.heading, path, better=column.better or None)
  return [(path, f'{title}: {column.heading}, a dot for each of {len(found.seeds)} seed(s).')]


def _first(found, protocol, split, metrics):
  """The first of the metrics that cemnet has in some group of a protocol."""
  names = {name for key, scores in found.merged.items() for name in scores
           if (key.protocol, key.split, key.method) == (protocol, split, 'cemnet')}
  return next((m for m in metrics if m in names), None)
