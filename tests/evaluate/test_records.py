import numpy as np
import pytest

from cemnet_jax.evaluate.cases import Case
from cemnet_jax.evaluate.records import Record, Records
from cemnet_jax.metrics.tally import Tally

CASE = Case(3, 5, 1)


def record(value, features=0):
  return Record({'m_lmd': Tally(value, 1.)}, (.25, .75), np.full((features, 4), 2, np.float16))


def test_what_was_put_is_found_again_by_another_run(tmp_path):
  made = record(1 / 3, features=2)
  Records(tmp_path, {'weights': 'a'}).put('cemnet', CASE, True, made)
  again = Records(tmp_path, {'weights': 'a'})
  found = again.get('cemnet', CASE, True)
  assert found.scores == made.scores and found.taken_for == made.taken_for
  assert (found.features == made.features).all() and found.features.dtype == np.float16
  assert again.get('cemnet', CASE._replace(seed=2), True) is None
  assert again.get('wav2lip', CASE, True) is None
  assert not [p for p in tmp_path.rglob('.*')]


def test_a_drawn_record_serves_where_no_pictures_are_asked_but_not_the_reverse(tmp_path):
  records = Records(tmp_path, {})
  records.put('a', CASE, True, record(1.))
  records.put('b', CASE, False, record(2.))
  assert records.get('a', CASE, False).scores['m_lmd'] == (1., 1.)
  assert records.get('b', CASE, True) is None


@pytest.mark.parametrize('what', ['weights', 'dataset', 'code'])
def test_records_of_another_identity_do_not_count_and_stay(tmp_path, what):
  said, mine = [], {'weights': 'a', 'dataset': 'd', 'code': 'c'}
  Records(tmp_path, mine, said.append).put('cemnet', CASE, True, record(1.))
  other = Records(tmp_path, {**mine, what: 'b'}, said.append)
  assert other.get('cemnet', CASE, True) is None
  assert said == [f'{tmp_path}: was measured with another {what}; all is measured anew']
  assert Records(tmp_path, mine, said.append).get('cemnet', CASE, True).scores['m_lmd'] == (1., 1.)
  assert len(said) == 1
