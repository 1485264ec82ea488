"""Matplotlib figures as PNG files that depend on nothing but their numbers."""

import contextlib

import numpy as np

from cemnet_jax.evaluate.figures import write_png

DPI = 144
# Okabe and Ito's colours, which colour-blind readers tell apart; shapes tell them apart once more.
COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#000000')
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*')
GRID = '#d0d0d0'
STYLE = {'font.size': 9, 'axes.titlesize': 10, 'axes.titlelocation': 'left',
         'axes.spines.top': False, 'axes.spines.right': False, 'axes.axisbelow': True,
         'axes.grid': False, 'grid.color': GRID, 'legend.frameon': False}


@contextlib.contextmanager
def chart(path, width: float, height: float):
  """A matplotlib figure of width x height inches, written to `path` when the block ends."""
  import matplotlib
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure
  with matplotlib.rc_context():
    matplotlib.rcdefaults()  # no matplotlibrc of the machine
    matplotlib.rcParams.update(STYLE)
    figure = Figure(figsize=(width, height), dpi=DPI, layout='constrained')
    yield figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # Through the pixels: matplotlib's own files name its version.
    write_png(path, np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))


def look(number: int) -> dict[str, str]:
  """Colour and shape of the `number`-th group of points; 64 of them differ."""
  shift = number // len(COLOURS)
  return {'color': COLOURS[number % len(COLOURS)],
          'marker': MARKERS[(number + shift) % len(MARKERS)]}


def ink(colour) -> str:
  """Black or white, whichever reads better on an RGB(A) colour in [0, 1] (WCAG contrast)."""
  linear = [c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in colour[:3]]
  luminance = float(np.dot(linear, (.2126, .7152, .0722)))
  return 'black' if (luminance + .05) / .05 > 1.05 / (luminance + .05) else 'white'
