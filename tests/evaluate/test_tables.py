import json

import pytest

from cemnet_jax.evaluate import tables
from cemnet_jax.evaluate.protocol import TRUTH


def rows():
  common = {'protocol': 'cross_emotion', 'split': 'test', 'clips': 8}
  made = []
  for repetition, (a2m, cem) in enumerate([(4., 2.), (6., 3.)]):
    made += [{**common, 'repetition': repetition, 'method': TRUTH, 'm_lmd': 0., 'emotion': .8,
              'psnr': float('inf'), 'ssim': 1.},
             {**common, 'repetition': repetition, 'method': 'audio2mouth', 'm_lmd': a2m,
              'emotion': .2},
             {**common, 'repetition': repetition, 'method': 'cemnet', 'm_lmd': cem,
              'emotion': .6, 'psnr': 30.}]
  return made


def test_means_spreads_and_gains():
  merged = tables.merge(rows())
  key = ('cross_emotion', 'test', 'audio2mouth')
  assert merged[key]['m_lmd'] == (5, 1)
  assert merged[key]['relative_emotion'][0] == pytest.approx(.25)
  assert tables.gain(merged, 'test') == pytest.approx(50)
  assert tables.gain(merged, 'test', baseline='cemnet_no_ebm') is None


def test_table_cells():
  text = tables.table(tables.merge(rows()), 'cross_emotion', 'test', ['m_lmd', 'emotion', 'psnr'])
  lines = text.splitlines()
  assert lines[0] == '| method | M-LMD | EA % | PSNR |'
  assert lines[2] == f'| {TRUTH} | 0.00 | 80.0 | ∞ |'
  assert lines[3] == '| audio2mouth | 5.00 ± 1.00 | 20.0 | not measured |'
  assert len({line.count('|') for line in lines}) == 1


def test_whole_report_names_what_was_not_measured():
  text = tables.all_tables(rows(), 64)
  assert '| audio2mouth | 50.0 % |' in text
  assert '| cemnet_no_ebm | not measured |' in text
  assert 'LipSync, CSIM, FID: not measured' in text
  assert '64 px crop' in text


def test_files_are_written_whole(tmp_path):
  tables.write_rows(tmp_path / 'a' / 'rows.json', rows())
  assert len(json.loads((tmp_path / 'a' / 'rows.json').read_text())) == 6
  assert [p.name for p in (tmp_path / 'a').iterdir()] == ['rows.json']
  assert tables.times_table({'x': 1.4, 'y': 2}).endswith('| together | 3 |')
