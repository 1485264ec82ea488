import contextlib

import matplotlib
import numpy as np
import pytest

from cemnet_jax.evaluate import heatmaps

VALUES = np.array([[1.234, 5.], [np.nan, 3.]])


@pytest.fixture
def drawn(monkeypatch):
  """The figures that were drawn, each after its file was written."""
  figures, chart = [], heatmaps.chart

  @contextlib.contextmanager
  def spy(*arguments):
    with chart(*arguments) as figure:
      yield figure
      figures.append(figure)

  monkeypatch.setattr(heatmaps, 'chart', spy)
  return figures


def heat(path, **options):
  heatmaps.heat_map(VALUES, ('a', 'b'), ('c', 'd'), 'title', path, '{:.1f}', **options)
  return path.read_bytes()


def test_cells_say_their_values(tmp_path, drawn):
  heat(tmp_path / 'a.png', row_name='rows', column_name='columns')
  axes, scale = drawn[0].axes
  assert [t.get_text() for t in axes.texts] == ['1.2', '5.0', '–', '3.0']
  assert [t.get_position() for t in axes.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
  assert [t.get_text() for t in axes.get_yticklabels()] == ['a', 'b']
  assert [t.get_text() for t in axes.get_xticklabels()] == ['c', 'd']
  assert (axes.get_ylabel(), axes.get_xlabel()) == ('rows', 'columns')
  assert (axes.get_title(loc='left'), scale.get_ylabel()) == ('title', 'lower is better')


@pytest.mark.parametrize('better, best', [('lower', 1.234), ('higher', 5.)])
def test_what_is_better_is_brighter(tmp_path, drawn, better, best):
  heat(tmp_path / 'a.png', better=better)
  image = drawn[0].axes[0].images[0]
  brightness = {v: sum(image.cmap(image.norm(v))[:3]) for v in (1.234, 3., 5.)}
  assert max(brightness, key=brightness.get) == best
  inks = {t.get_text(): t.get_color() for t in drawn[0].axes[0].texts}
  assert inks[f'{best:.1f}'] == 'black' and inks['5.0' if best < 2 else '1.2'] == 'white'


def test_maps_with_the_same_limits_have_the_same_colours(tmp_path, drawn):
  heat(tmp_path / 'a.png', limits=(0, 10))
  assert drawn[0].axes[0].images[0].get_clim() == (0, 10)
  heat(tmp_path / 'b.png', texts=[['w', 'x'], ['y', 'z']], better=None)
  assert [t.get_text() for t in drawn[1].axes[0].texts] == ['w', 'x', '–', 'z']


def test_same_values_same_bytes_and_nothing_at_all(tmp_path):
  assert heat(tmp_path / 'a.png') == heat(tmp_path / 'b.png')
  heatmaps.heat_map(np.full((1, 2), np.nan), ('a',), ('b', 'c'), 'none', tmp_path / 'n.png')
  assert (tmp_path / 'n.png').stat().st_size > 1000


def test_means_and_deviations_are_where_they_belong(tmp_path, drawn):
  seeds = np.array([3., 4., 8.])
  heatmaps.spread_chart({'one': {'x': seeds, 'y': [1.]}, 'two': {'x': [2.], 'y': ()}}, 'title',
                        'M-LMD, px', tmp_path / 's.png')
  axes = drawn[0].axes[0]
  assert [t.get_text() for t in axes.get_yticklabels()] == ['one', 'two']
  assert axes.get_xlabel() == 'M-LMD, px (lower is better)'
  means = {c.get_label(): c.lines[0].get_xydata() for c in axes.containers}
  np.testing.assert_allclose(means['x'][:, 0], [5, 2])
  np.testing.assert_allclose(means['y'][:, 0], [1])
  assert [round(y) for y in means['x'][:, 1]] == [0, 1]
  bar = next(c for c in axes.containers if c.get_label() == 'x').lines[2][0].get_segments()[0]
  deviation = np.sqrt(np.mean((seeds - 5) ** 2))
  np.testing.assert_allclose(bar[:, 0], [5 - deviation, 5 + deviation])
  dots = [line.get_xdata() for line in axes.lines if line.get_marker() == '.']
  np.testing.assert_array_equal(np.concatenate(dots), [3, 4, 8, 2, 1])
  assert [t.get_text() for t in drawn[0].legends[0].get_texts()] == ['x', 'y']
  assert matplotlib.rcParams['axes.spines.top']  # the style is the file's alone
