import numpy as np
import pytest
from scipy.stats import linregress

from cemnet_jax.metrics.lip_gap import face_height, gap_agreement, lip_gap
from cemnet_jax.topology import MESH_IDS

AT = {int(m): i for i, m in reversed(list(enumerate(MESH_IDS)))}


def test_gap_is_told_in_heights_of_the_face():
  points = np.zeros((3, 131, 2))
  points[:, AT[152]], points[:, AT[162]] = (.5, 1.), (.1, .2)  # chin and temple
  points[:, AT[234]] = points[:, AT[454]] = (.5, .5)
  points[:, AT[13]] = .4, .6
  points[:, AT[14]] = np.stack([np.full(3, .4), .6 + np.array([0, .05, .1])], 1)
  height = face_height(points)
  np.testing.assert_allclose(height, 1.)  # the oval's other points lie at zero
  np.testing.assert_allclose(lip_gap(points, height), [0, .05, .1])
  np.testing.assert_allclose(lip_gap(200 * points, face_height(200 * points)), [0, .05, .1])
  points[2, AT[14], 0] += .1  # a turned head's gap is as long
  assert lip_gap(points, 1.)[2] == pytest.approx(np.hypot(.1, .1))


def test_agreement_is_linear_regression_where_both_are_known():
  rng = np.random.default_rng(0)
  asked = rng.random(80) * .1
  drawn = .6 * asked + .01 + .01 * rng.normal(size=80)
  drawn[[3, 50]], asked[7] = np.nan, np.nan
  known = np.isfinite(asked + drawn)
  expected = linregress(asked[known], drawn[known])
  found = gap_agreement(asked, drawn)
  assert found.slope == pytest.approx(expected.slope)
  assert found.correlation == pytest.approx(expected.rvalue)


def test_a_mouth_that_stays_shut_and_one_that_is_not_asked():
  asked = np.linspace(0, .1, 20)
  assert gap_agreement(asked, np.zeros(20)) == (0, 0)
  assert np.isnan(gap_agreement(np.full(20, .05), asked)).all()
  assert np.isnan(gap_agreement(asked, np.full(20, np.nan))).all()
