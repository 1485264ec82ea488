import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from cemnet_jax.metrics.csim import csim
from cemnet_jax.metrics.tally import EMPTY, Tally


def test_agrees_with_sklearn_whatever_the_lengths():
  a, b = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
  result = csim(a, 7 * b)
  assert result.total == pytest.approx(np.diag(cosine_similarity(a, b)).mean(), rel=1e-6)
  assert result.count == 1


def test_truth_is_perfect_and_another_face_is_not():
  a, b = np.random.default_rng(1).normal(size=(2, 5, 8))
  assert csim(a, a).total == pytest.approx(1, abs=1e-12)
  assert csim(a, -a).total == pytest.approx(-1, abs=1e-12)
  assert csim(a + .1 * b, a).total > .9 > csim(a, b).total


def test_nothing_to_compare():
  assert csim(np.zeros((0, 8)), np.zeros((0, 8))) == EMPTY
  assert csim(np.zeros((2, 8)), np.ones((2, 8))) == Tally(0, 1)
