import math
from fractions import Fraction

import numpy as np
import pytest

from cemnet_jax.metrics.tally import EMPTY, Tally, mean, merge, one


def test_mean_weighs_by_count():
  assert mean(merge([Tally(30., 10), Tally(2., 1)])) == pytest.approx(32 / 11)
  assert math.isnan(mean(EMPTY)) and math.isnan(mean(merge([])))
  assert merge([EMPTY, Tally(3., 2), EMPTY]) == Tally(3., 2)


def test_merge_is_exact_in_any_order():
  rng = np.random.default_rng(0)
  values = (rng.normal(size=200) * 10. ** rng.integers(-9, 9, 200)).tolist()
  exact = float(sum(Fraction(v) for v in values))
  for _ in range(3):
    rng.shuffle(values)
    assert merge(one(v) for v in values) == Tally(exact, 200)
  assert merge([Tally(1e16, 1), Tally(1., 1), Tally(-1e16, 1)]) == Tally(1., 3)


def test_one_does_not_count_what_is_not_a_number():
  assert one(2) == Tally(2., 1)
  assert one(float('nan')) == EMPTY == one(float('inf'))
