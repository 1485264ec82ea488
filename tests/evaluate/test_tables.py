import json

from cemnet_jax.evaluate import raw_size, tables
from cemnet_jax.evaluate.methods import TRUTH
from cemnet_jax.evaluate.summary import Key, Value

NAN = float('nan')


def merged():
  key = lambda method: Key('cross_emotion', 'test', '', method)
  return {key(TRUTH): {'m_lmd': Value(0., 0., 8), 'ea': Value(.8, NAN, 8)},
          key('a2m_renderer'): {'m_lmd': Value(5., 1., 8), 'ea': Value(.25, NAN, 8)},
          key('cemnet'): {'m_lmd': Value(2., .5, 8), 'ea': Value(.2, NAN, 8),
                          'psnr': Value(30., NAN, 8)}}


def test_a_grid_has_a_row_for_every_method_and_marks_the_best_system():
  made = tables.grid(merged(), 'cross_emotion', 'test',
                     [TRUTH, 'wav2lip', 'a2m_renderer', 'cemnet'], ['m_lmd', 'ea', 'psnr'])
  assert made.columns == ['method', 'M-LMD', 'EA %', 'PSNR']
  assert made.rows == [
    [TRUTH, '0.00 ± 0.00', '80.0', 'not measured'], ['wav2lip', *['not measured'] * 3],
    ['a2m_renderer', '5.00 ± 1.00', '25.0', 'not measured'],
    ['cemnet', '2.00 ± 0.50', '20.0', '30.00']]
  # Lower M-LMD, higher EA; a single PSNR is compared with nothing, and the real clip is no system.
  assert made.best == ((3, 1), (2, 2))


def test_markdown():
  text = tables.markdown(tables.Grid(['method', '|x|'], [['a', '1'], ['b', '2']], ((1, 1),)))
  assert text.splitlines() == [r'| method | \|x\| |', '| --- | --- |', '| a | 1 |', '| b | **2** |']


def test_every_shown_metric_has_a_heading():
  assert set(tables.MAIN) | set(tables.MORE) | set(raw_size.SHOWN) == set(tables.COLUMNS)
  assert not set(tables.MAIN) & set(tables.MORE)


def test_numbers_are_written_whole_with_a_line_for_each_clip(tmp_path):
  path = tmp_path / 'a' / 'results.json'
  tables.write_lines(path, {'b': 1, 'a': {'c': [2]}}, ({'clip': i} for i in range(3)))
  assert json.loads(path.read_text()) == {
    'b': 1, 'a': {'c': [2]}, 'clips': [{'clip': 0}, {'clip': 1}, {'clip': 2}]}
  assert [p.name for p in path.parent.iterdir()] == ['results.json']
  assert sum(line.startswith('{"clip"') for line in path.read_text().splitlines()) == 3
