"""Heat maps with numbers in their cells, and means with their spread, as PNG files."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from cemnet_jax.evaluate.charts import chart, ink, look

# Which way is good -> colours (bright is better; neither: dark is more), note beside the scale.
SCALES = {'lower': ('cividis_r', 'lower is better'), 'higher': ('cividis', 'higher is better'),
          None: ('Blues', '')}
NOT_MEASURED = '–'
ROW, SERIES = .34, .17  # inches of a row of `spread_chart`, and of each further series in it


def heat_map(values: Float[np.ndarray, 'R C'], row_labels: Sequence[str],
             column_labels: Sequence[str], title: str, path, fmt: str = '{:.1f}',
             better: str | None = 'lower', *, row_name: str = '', column_name: str = '',
             limits: tuple[float, float] | None = None,
             texts: Sequence[Sequence[str]] | None = None) -> None:
  """Draws a matrix; cells that are nan are grey and hold a dash.

  Args:
    fmt: of the numbers in the cells, as `str.format` takes it.
    better: 'lower', 'higher' or None where neither is.
    row_name, column_name: what rows and columns stand for.
    limits: values of the scale's ends, so that maps may be compared; otherwise the extremes.
    texts: what the cells say in place of their values, in the same order.
  """
  values = np.asarray(values, float)
  rows, columns = values.shape
  scale, note = SCALES[better]
  with chart(path, 2.6 + .78 * columns, 1.5 + .5 * rows) as figure:
    axes = figure.add_subplot()
    image = _cells(axes, values, scale, limits)
    for row, column in np.ndindex(rows, columns):
      value = values[row, column]
      seen = np.isfinite(value)
      text = (texts[row][column] if texts else fmt.format(value)) if seen else NOT_MEASURED
      axes.text(column, row, text, ha='center', va='center', linespacing=1.1,
                color=ink(image.cmap(image.norm(value))) if seen else 'black')
    axes.set(title=title, xlabel=column_name, ylabel=row_name)
    axes.set_xticks(range(columns), column_labels, rotation=30, ha='right',
                    rotation_mode='anchor')
    axes.set_yticks(range(rows), row_labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=note, pad=.02, aspect=25)


def _cells(axes, values, scale, limits):
  import matplotlib
  colours = matplotlib.colormaps[scale].with_extremes(bad='#dddddd')
  seen = values[np.isfinite(values)]
  low, high = limits or ((seen.min(), seen.max()) if len(seen) else (0., 1.))
  return axes.imshow(np.ma.masked_invalid(values), cmap=colours, aspect='auto', vmin=low,
                     vmax=high if high > low else low + 1)


def spread_chart(values: Mapping[str, Mapping[str, Sequence[float]]], title: str, quantity: str,
                 path, better: str | None = 'lower') -> None:
  """One row per label: every measurement as a dot, their mean with a bar of one standard deviation.

  Args:
    values: label of a row (an ablation, a level) -> series (a system) -> measurements, one per
      seed; series or measurements may be missing.
    quantity: what is measured, with its unit.
  """
  names = list(dict.fromkeys(name for row in values.values() for name in row))
  step = .7 / max(1, len(names))
  height = 1.2 + len(values) * (ROW + SERIES * (len(names) - 1)) + .2 * (len(names) > 1)
  with chart(path, 7.5, height) as figure:
    axes = figure.add_subplot()
    for number, name in enumerate(names):
      offset = (number - (len(names) - 1) / 2) * step
      found = [(row + offset, np.asarray(series[name], float))
               for row, series in enumerate(values.values()) if len(series.get(name, ()))]
      for at, measured in found:
        axes.plot(measured, np.full(len(measured), at + .3 * step), '.', ms=4, alpha=.6,
                  color=look(number)['color'])
      axes.errorbar([m.mean() for _, m in found], [at for at, _ in found],
                    xerr=[m.std() for _, m in found], **_bars(number), label=name)
    axes.set_yticks(range(len(values)), values)
    axes.set_ylim(len(values) - .5, -.5)
    axes.grid(axis='x')
    axes.tick_params(axis='y', length=0)
    note = SCALES[better][1]
    axes.set_title(title)
    axes.set_xlabel(f'{quantity} ({note})' if note else quantity)
    if len(names) > 1:
      figure.legend(loc='outside lower center', ncols=min(4, len(names)))


def _bars(number):
  return {**look(number), 'ls': 'none', 'ms': 7, 'mec': 'black', 'mew': .6, 'ecolor': 'black',
          'elinewidth': 1, 'capsize': 3}
