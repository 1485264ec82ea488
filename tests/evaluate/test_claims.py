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
