"""An evaluation as a folder: tables, all numbers, figures, videos, and a page that shows all."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cemnet_jax.evaluate import drawings, raw_size, tables
from cemnet_jax.evaluate.claims import claims
from cemnet_jax.evaluate.evaluation import Evaluation
from cemnet_jax.evaluate.methods import BOUNDS, DESCRIPTIONS
from cemnet_jax.evaluate.page import Figure, Section, Table, Text, Video, write_page
from cemnet_jax.evaluate.run import SYSTEMS_OF
from cemnet_jax.evaluate.summary import confusions
from cemnet_jax.evaluate.tables import COLUMNS
from cemnet_jax.evaluate.understanding.chapters import Understanding
from cemnet_jax.files import write_text
from cemnet_jax.metrics.emotion_recognition import per_class
from cemnet_jax.metrics.tally import mean
from cemnet_jax.topology import EMOTIONS, LABELS

FIGURES, VIDEOS, RECORDS = 'figures', 'videos', 'records'
TITLES = {
  'neutral_base': 'Table II, neutral base: the references show the neutral face',
  'cross_emotion': 'Table II, cross emotion: the references show another emotion than the speech',
  'lrs': 'Table III: the references are frames of the driving clip itself',
  'ablation': 'Table IV: ablations under cross emotion',
  'matrix': 'Matrix: emotion of the references x emotion of the speech',
  'intensity': 'Cross emotion by the intensity of the speech'}
SPLIT_TITLES = {'test': 'unseen speakers', 'val': 'validation speakers',
                'test_sentence': 'unseen sentences of seen speakers'}
INTRODUCTION = """\
Speech, head pose and upper face come from a driving clip, the face from other pictures of the \
same speaker. Every number is the mean over clips, then over {repetitions} repetition(s) of the \
same clips with other references, then over {seeds} trained seed(s); ± is the standard deviation \
over seeds where there are several, otherwise over repetitions. Landmark numbers are of {clips}; \
numbers of pictures of those cases that were drawn as pictures, with the first seed."""
RAW = 'The face at its own size in pictures of whole scenes, against the real ones. native: each \
pixel comes from the references at the picture\'s resolution; net: what the renderer draws, \
enlarged. Sharpness: mean absolute Laplacian of the lower face over the real picture\'s.'
RAW_COLUMNS = ['landmarks', 'resolution', *(COLUMNS[name].heading for name in raw_size.SHOWN)]
DEFINITIONS = """\
M-LMD, F-LMD: mean Euclidean distance in px of a face (the crop) scaled to 256 px; M-LMD over the \
40 lip points with both sets mean-centred (EAT's definition), F-LMD over all 131 points, of which \
74 are the driving clip's own. Without a remark the landmarks are the nets' own; `in pictures` a \
landmark net reads them in the generated and in the real pictures.
EA: share of frames whose arg-max is the emotion of the speech, by an expression net of DeepFace's \
architecture; `lower face`: the same net sees the lower half alone, because the driving clip's \
upper face gives the emotion away; `landmarks`: share of clips that a logistic regression on the \
57 mouth and jaw points finds right. Clips of contempt do not count for a scorer without it.
LSE-C, LSE-D: SyncNet's confidence and distance, on the dataset's face crops; the public net sees \
its own crops. PSNR (dB; 80 for equal pictures), SSIM: on the whole crop and on the generated \
region, those pixels of the real face below the middle of the crop that every method paints over. \
CSIM: cosine of identity embeddings of generated and real frame. FID: of the expression net's \
penultimate features, pooled over all drawn clips. Motion in silence: change of the lip gap \
between frames of pauses, px of a 256 face; jitter: mean second difference of mouth and jaw \
points, same unit: compare both with the real clip's."""


def write_report(out: Path, title: str, found: Evaluation, say: Callable[[str], None] = print,
                 understanding: Understanding | None = None) -> None:
  """Fills `out`; everything but the videos is written anew."""
  out = Path(out)
  splits = list(dict.fromkeys(k.split for k in found.merged))
  drawn = {split: _draw(found, split, out, say) for split in splits}
  numbers = _numbers(found, splits)
  numbers['understanding'] = understanding.numbers if understanding else {}
  tables.write_lines(out / 'results.json', numbers, clip_rows(found))
  write_text(out / 'results.md', text(title, found) + '\n')
  sections = [*_sections(found, splits), *_pictures(drawn, out),
              *(understanding.sections if understanding else ()),
              Section('How it was measured', _method(found))]
  write_page(out / 'index.html', title, _introduction(found), sections)


def text(title: str, found: Evaluation) -> str:
  """All tables as markdown."""
  parts = [f'# {title}', _introduction(found)]
  for section in _sections(found, list(dict.fromkeys(k.split for k in found.merged))):
    parts.append(f'## {section.title}')
    for block in section.blocks:
      if isinstance(block, Table):
        parts += [f'### {block.caption}',
                  tables.markdown(tables.Grid(block.columns, block.rows, tuple(block.best)))]
      else:
        parts.append(block.text)
  parts += ['## How it was measured', *(b.text for b in _method(found))]
  return '\n\n'.join(parts)


def _introduction(found):
  limit = found.settings.clips
  clips = f'{limit} clips of each split, drawn by a seed' if limit else 'all clips of a split'
  return INTRODUCTION.format(repetitions=found.settings.repetitions, seeds=len(found.seeds),
                             clips=clips)


def _sections(found, splits):
  sections = []
  for split in splits:
    checked = claims(found.merged, found.seeds, split)
    if checked.rows:
      sections.append(Section(f'Claims, {SPLIT_TITLES.get(split, split)}', [
        Table(checked.columns, checked.rows, 'What the paper claims, and what came out')]))
  for protocol in found.settings.protocols:
    blocks = [block for split in splits for block in _protocol_tables(found, protocol, split)]
    sections.append(Section(TITLES[protocol], blocks))
  for split, scores in found.raw.items():
    sections.append(Section(f'Whole pictures of {found.settings.raw_size} px, '
                            f'{SPLIT_TITLES.get(split, split)}', [
      Text(RAW), Table(RAW_COLUMNS, _raw_rows(scores), 'Cross emotion, first seed')]))
  if found.accuracy:
    sections.append(Section('The scorers themselves', [
      Text('Those trained here know training speakers only, and have another architecture and seed '
           'than the nets that condition the model; imported ones are named as such below. All '
           'are measured on real clips of unseen speakers.'),
      Table(['scorer', 'figure', 'value'], _accuracy_rows(found.accuracy), 'Accuracy')]))
  if found.loaded.missing:
    rows = [[name, why] for name, why in found.loaded.missing.items()]
    sections.append(Section('Not measured', [Table(['row', 'reason'], rows, 'Missing systems')]))
  return sections


def _protocol_tables(found, protocol, split):
  methods = [*BOUNDS, *SYSTEMS_OF[protocol]]
  keys = [k for k in found.merged if (k.protocol, k.split) == (protocol, split)]
  if not keys:
    return
  where = SPLIT_TITLES.get(split, split)
  if protocol == 'intensity':
    for level in sorted({k.group for k in keys}):
      made = tables.grid(found.merged, protocol, split, methods, tables.MAIN, level)
      yield _table(made, found, keys, f'{where}, {level}', level)
    return
  for columns, name in ((tables.MAIN, 'main metrics'), (tables.MORE, 'more metrics')):
    made = tables.grid(found.merged, protocol, split, methods, columns)
    yield _table(made, found, keys, f'{where}: {name}')


def _table(made, found, keys, caption, group=''):
  counts = next((found.merged[k] for k in keys if k.group == group), {})
  clips = f'{counts["clips"].mean:.0f} clips' if 'clips' in counts else ''
  pictures = f', {counts["drawn"].mean:.0f} as pictures' if 'drawn' in counts else ''
  return Table(made.columns, made.rows, f'{caption} ({clips}{pictures})', made.best)


def _raw_rows(scores):
  return [[who, resolution, *(COLUMNS[name].form.format(mean(values[name]))
                              for name in raw_size.SHOWN)]
          for (who, resolution), values in scores.items()]


def _accuracy_rows(accuracy):
  return [[scorer, name, f'{value:.3f}' if isinstance(value, float) else str(value)]
          for scorer, figures in accuracy.items() for name, value in figures.items()
          if not isinstance(value, list)]


def _draw(found, split, out, say):
  figures = [*drawings.draw_matrix(found, split, out / FIGURES),
             *drawings.draw_charts(found, split, out / FIGURES),
             *drawings.draw_confusion(found, split, out / FIGURES)]
  return figures, drawings.draw_samples(found, split, out / VIDEOS, say)


def _pictures(drawn, out):
  figures = [Figure(path.relative_to(out).as_posix(), caption)
             for some, _ in drawn.values() for path, caption in some]
  videos = [Video(path.relative_to(out).as_posix(), caption)
            for _, some in drawn.values() for path, caption in some]
  named = (('Figures', figures), ('Sample videos', videos))
  return [Section(title, blocks) for title, blocks in named if blocks]


def _method(found):
  names = [*BOUNDS, *dict.fromkeys(m for p in found.settings.protocols for m in SYSTEMS_OF[p])]
  rows = '\n'.join(f'{name}: {DESCRIPTIONS[name]}.' for name in names)
  identity = found.identity
  weights = '\n'.join(f'{folder}: {stage}, {what}' for folder, stages in identity['weights'].items()
                      for stage, what in stages.items())
  scorers = '\n'.join(f'{stage}, {what}' for stage, what in
                      identity['measured']['scorers'].items()) or 'no scorer was trained'
  unfinished = ', '.join(identity['unfinished']) or 'none'
  data = ', '.join(f'{name} {version}' for name, version in identity['datasets'].items())
  return [Text(DEFINITIONS), Text(rows),
          Text(f'Datasets: {data}. {_source(identity["source"])} '
               f'Fingerprint of this evaluation: {identity["fingerprint"]}.'),
          Text(f'Weights. {weights}'), Text(f'Scorers. {scorers}'),
          Text(f'Stages whose training has not ended: {unfinished}.')]


def _source(code):
  changed = ', changed since' if code['changed'] else ''
  return f'Commit {code["commit"]}{changed}, version {code["version"]}.'


def _numbers(found, splits):
  merged = {}
  for key, scores in found.merged.items():
    merged['/'.join(part for part in key if part)] = {
      name: {'mean': _plain(v.mean), 'spread': _plain(v.spread), 'count': v.count}
      for name, v in scores.items()}
  checked = {split: [dict(zip(grid.columns, row, strict=True)) for row in grid.rows]
             for split, grid in ((s, claims(found.merged, found.seeds, s)) for s in splits)}
  classes = found.accuracy.get('emotion_scorer', {}).get('classes', EMOTIONS)
  by_class = {'/'.join(key): {name: _plain(v) for name, v in per_class(table, classes).items()}
              for key, table in confusions(found.rows[0], found.clips_of).items()}
  return {**found.identity, 'tables': merged, 'ea_lower_per_class': by_class, 'claims': checked,
          'scorers': found.accuracy, 'raw_size': _raw_numbers(found),
          'not_measured': found.loaded.missing}


def _raw_numbers(found):
  return {'/'.join((split, *way)): {name: _plain(mean(value)) for name, value in values.items()}
          for split, scores in found.raw.items() for way, values in scores.items()}


def clip_rows(found: Evaluation) -> Iterator[dict]:
  """Every number of every clip, as JSON has it."""
  for seed, rows in enumerate(found.rows):
    for row in rows:
      table = found.clips_of(row.protocol).table
      driving, reference, drawing = row.case
      yield {
        'system': seed, 'protocol': row.protocol, 'split': row.split, 'method': row.method,
        'repetition': row.repetition, 'clip': str(table['id'][driving]),
        'reference': str(table['id'][reference]), 'seed': drawing,
        'emotion': LABELS[table['emotion'][driving]],
        'reference_emotion': LABELS[table['emotion'][reference]],
        'intensity': int(table['intensity'][driving]),
        'scores': {name: [_plain(t.total), t.count]
                   for name, t in sorted(row.record.scores.items())}}


def _plain(value):
  return float(value) if np.isfinite(value) else None
