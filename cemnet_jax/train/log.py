"""What a run leaves to read: metrics.jsonl, a progress bar or lines, curves.png, parameters.txt,
and on demand event files for TensorBoard.

Rows hold no times, so the log of a killed and resumed run equals that of an unbroken one.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import jax
from clu import parameter_overview
from tqdm import tqdm

from cemnet_jax.files import whole, write_text

ROWS = 'metrics.jsonl'
CURVES = 'curves.png'
PARAMETERS = 'parameters.txt'
EVENTS = 'tensorboard'
EVAL = 'eval/'  # prefix of evaluation metrics in a row


def read_rows(path: Path) -> list[dict]:
  """The complete rows of a log; a line torn by a kill ends it."""
  rows = []
  if path.is_file():
    for line in path.read_text().splitlines():
      try:
        rows.append(json.loads(line))
      except json.JSONDecodeError:
        break
  return rows


class Log:
  """Log of one stage. `writes=False` (other processes than the first) keeps rows in memory only.

  With `tensorboard` every row goes to event files in the folder tensorboard, too; those of an
  earlier run are made anew from its rows.
  """

  def __init__(self, workdir: Path, title: str, *, start: int, steps: int, writes: bool = True,
               tensorboard: bool = False):
    self.workdir, self.title, self.steps, self.writes = Path(workdir), title, steps, writes
    path = self.workdir / ROWS
    # Rows after the checkpoint will be written again by the steps that are run again.
    self.rows = [row for row in read_rows(path) if row['step'] <= start]
    self._file = None
    if writes:
      write_text(path, ''.join(json.dumps(row) + '\n' for row in self.rows))
      self._file = path.open('a', buffering=1)
    self._events = _events(self.workdir / EVENTS, self.rows) if writes and tensorboard else None
    self._bar = tqdm(total=steps, initial=start, desc=title, unit='step', leave=True,
                     disable=not writes or not sys.stderr.isatty(), dynamic_ncols=True)

  def advance(self, step: int) -> None:
    """Moves the progress bar to `step`."""
    self._bar.update(step - self._bar.n if not self._bar.disable else 0)

  def write(self, step: int, values: dict[str, float]) -> None:
    """Adds one row, and shows its first four values (on a line where there is no terminal)."""
    row = {'step': step, **values}
    self.rows.append(row)
    if not self.writes:
      return
    self._file.write(json.dumps(row) + '\n')
    if self._events:
      _add(self._events, row)
    text = '  '.join(f'{name} {value:.4g}' for name, value in list(values.items())[:4])
    if self._bar.disable:
      print(f'{self.title}  {step}/{self.steps}  {text}', flush=True)
    else:
      self._bar.set_postfix_str(text)

  def parameters(self, params: dict) -> None:
    """Writes clu's table of {net: parameters}, and says on a line how many each net has."""
    if not self.writes:
      return
    table = parameter_overview.get_parameter_overview(params, include_stats=False)
    write_text(self.workdir / PARAMETERS, table + '\n')
    # Not clu's count: a net may be one array, as prototypes of people are.
    counts = {net: sum(x.size for x in jax.tree.leaves(tree)) for net, tree in params.items()}
    nets = ', '.join(f'{net} {count:,}' for net, count in counts.items())
    print(f'{self.title}  {sum(counts.values()):,} parameters: {nets}; see {PARAMETERS}',
          flush=True)

  def evaluations(self, name: str) -> list[float]:
    """All values so far of one evaluation metric, in order."""
    return [row[EVAL + name] for row in self.rows if EVAL + name in row]

  def last_evaluation(self) -> dict[str, float]:
    """The metrics of the last evaluation, {} before the first."""
    rows = [row for row in self.rows if any(name.startswith(EVAL) for name in row)]
    return {name.removeprefix(EVAL): rows[-1][name] for name in rows[-1] if name != 'step'
            } if rows else {}

  def curves(self) -> None:
    """Draws every metric over the steps into curves.png."""
    names = list(dict.fromkeys(
      name.removeprefix(EVAL) for row in self.rows for name in row if name != 'step'))
    if not (self.writes and names):
      return
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    wide = min(4, len(names))
    high = math.ceil(len(names) / wide)
    figure, axes = pyplot.subplots(high, wide, figsize=(3.2 * wide, 2.4 * high), squeeze=False)
    for axis in axes.flat[len(names):]:
      axis.remove()
    for axis, name in zip(axes.flat, names):
      for key, style in ((name, dict(lw=0.8, label='train')),
                         (EVAL + name, dict(marker='.', lw=1.2, label='evaluation'))):
        points = [(row['step'], row[key]) for row in self.rows if key in row]
        if points:
          axis.plot(*zip(*points), **style)
      axis.set_title(name, fontsize=9)
      axis.tick_params(labelsize=7)
      axis.grid(alpha=0.3)
    axes.flat[0].legend(fontsize=7)
    figure.suptitle(self.title, fontsize=10)
    figure.tight_layout()
    with whole(self.workdir / CURVES, '.png') as beside:
      figure.savefig(beside, dpi=100)
    pyplot.close(figure)

  def close(self) -> None:
    self._bar.close()
    if self._file:
      self._file.close()
    if self._events:
      self._events.close()


def _events(folder: Path, rows: list[dict]):
  """A writer of event files that hold `rows` and nothing else."""
  # clu.metric_writers needs TensorFlow; this one loads at most torch, where that is installed.
  from tensorboardX import SummaryWriter
  shutil.rmtree(folder, ignore_errors=True)
  writer = SummaryWriter(str(folder))
  for row in rows:
    _add(writer, row)
  return writer


def _add(writer, row: dict) -> None:
  for name, value in row.items():
    if name != 'step':
      writer.add_scalar(name, value, row['step'])
