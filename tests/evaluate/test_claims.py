import re
from pathlib import Path

import pytest

from cemnet_jax.evaluate.claims import claims
from cemnet_jax.evaluate.summary import Key, Value


def merged(**numbers):
  """{'protocol/method/metric': value} as means."""
  found = {}
  for name, value in numbers.items():
    protocol, method, metric = name.split('__')
    found.setdefault(Key(protocol, 'test', '', method), {})[metric] = Value(value, float('nan'), 4)
  return found


def by_claim(grid):
  return {row[0]: row[1:] for row in grid.rows}


def test_nothing_measured_nothing_claimed():
  assert claims({}, [{}], 'test').rows == []


def test_cross_emotion_against_neutral_base_and_other_systems():
  found = merged(neutral_base__cemnet__m_lmd=2., cross_emotion__cemnet__m_lmd=2.2,
                 cross_emotion__a2m_renderer__m_lmd=4., cross_emotion__cemnet__ea_landmarks=.5,
                 cross_emotion__a2m_renderer__ea_landmarks=.6,
                 cross_emotion__cemnet__ea_landmarks_relative=.55,
                 cross_emotion__cemnet__lse_c_distance=.9)
  rows = list(claims(found, [found], 'test').rows)
  assert [row[1:] for row in rows] == [
    ['1.18', '1.10', 'yes'],
    ['yes', 'a2m_renderer 4.00, cemnet 2.20', 'yes'],
    ['yes', 'a2m_renderer 60.0 %, cemnet 50.0 %', 'no'],
    ['0.45', '0.55', 'no'], ['', '0.90', 'yes']]


def test_a_claim_names_the_systems_that_it_compares():
  # An ablation is better than all of them: no claim may speak of all systems.
  found = merged(cross_emotion__cemnet__m_lmd=2.2, cross_emotion__a2m_renderer__m_lmd=4.,
                 ablation__cemnet__m_lmd=2.2, ablation__cemnet_no_ebm__m_lmd=2.,
                 cross_emotion__cemnet__ea_lower=.5, cross_emotion__wav2lip__ea_lower=.3,
                 cross_emotion__a2m_renderer__ea_lower=.2)
  rows = by_claim(claims(found, [found], 'test'))
  assert not [claim for claim in rows if re.search(r'\ball\b', claim)]
  assert rows['M-LMD under cross emotion: cemnet is the best of a2m_renderer, cemnet'][-1] == 'yes'
  assert rows['EA of the lower face under cross emotion: cemnet is the best of wav2lip, '
              'a2m_renderer, cemnet'][-1] == 'yes'


DOCS = Path(__file__).parents[2]
BEST = re.compile(r'(?P<metric>.+) under cross emotion: cemnet is the best of (?P<systems>.+)')
COLUMN = {'M-LMD': 'M-LMD', 'M-LMD in pictures': 'M-LMD in pictures',
          'EA of the lower face': 'EA lower face %', 'EA of landmarks': 'EA landmarks, clips %'}


def tables_of(text):
  """Heading above -> the table's rows as lists of text, the first its columns."""
  found, heading = {}, ''
  for line in text.splitlines():
    if line.startswith('#'):
      level = len(line) - len(line.lstrip('#'))
      heading = line if level == 2 else f'{heading.split("|")[0]}|{line}'
    elif line.startswith('| '):
      cells = [c.strip().strip('*') for c in re.split(r'(?<!\\)\|', line)[1:-1]]
      found.setdefault(heading, []).append(cells)
  return found


@pytest.mark.parametrize('split', ['unseen speakers', 'unseen sentences of seen speakers'])
def test_the_documents_claim_what_their_tables_show(split):
  tables = tables_of((DOCS / 'docs/results.md').read_text())
  table = next(rows for heading, rows in tables.items()
               if 'cross emotion: the' in heading and f'### {split}' in heading)
  value = {(row[0], column): float(cell.split(' ')[0]) for row in table[2:]
           for column, cell in zip(table[0][1:], row[1:], strict=True) if cell != 'not measured'}
  best = lambda column, systems: (min if 'LMD' in column or column == 'LSE-D' else max)(
    (s for s in systems if (s, column) in value), key=lambda s: value[s, column])
  claimed = [(BEST.fullmatch(row[0]), row) for row in tables[f'## Claims, {split}']]
  claimed = [(match, row) for match, row in claimed if match]
  assert len(claimed) == len(COLUMN)
  for match, row in claimed:
    column, systems = COLUMN[match['metric']], match['systems'].split(', ')
    assert all((s, column) in value for s in systems)
    assert row[-1] == ('yes' if best(column, systems) == 'cemnet' else 'no')
  # The README: best of the three in landmarks, pictures and emotion, not in lip sync.
  readme = ' '.join((DOCS / 'README.md').read_text().split())
  assert 'best of the three' in readme and 'best of all' not in readme
  three = ['wav2lip', 'a2m_renderer', 'cemnet']
  for column in (*COLUMN.values(), 'PSNR', 'SSIM', 'EA %', 'CSIM'):
    assert best(column, three) == 'cemnet', column
  assert best('LSE-D', three) == 'a2m_renderer'


def test_the_order_of_ablations_is_asked_of_every_seed():
  good = merged(ablation__cemnet__m_lmd=1., ablation__cemnet_no_aee__m_lmd=1.5,
                ablation__cemnet_no_ebm__m_lmd=2.)
  bad = merged(ablation__cemnet__m_lmd=1.6, ablation__cemnet_no_aee__m_lmd=1.5,
               ablation__cemnet_no_ebm__m_lmd=2.)
  rows = by_claim(claims(good, [good, bad, good], 'test'))
  order = rows['M-LMD: cemnet < cemnet_no_aee < cemnet_no_ebm on every seed']
  assert order == ['yes', '1.00 / 1.50 / 2.00; 1.60 / 1.50 / 2.00; 1.00 / 1.50 / 2.00',
                   '2 of 3 seeds']
  assert rows['M-LMD of cemnet_no_aee / cemnet'][:2] == ['1.12', '1.50, 0.94, 1.50']
  assert rows['M-LMD of cemnet_no_ebm / cemnet'][:2] == ['1.71', '2.00, 1.25, 2.00']
