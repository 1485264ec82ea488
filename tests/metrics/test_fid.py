import numpy as np
import pytest
from scipy.linalg import sqrtm

from cemnet_jax.metrics.fid import Moments, frechet_distance, merge, moments


def features(seed, frames=60, size=5):
  rng = np.random.default_rng(seed)
  return rng.normal(size=(frames, size)) @ rng.normal(size=(size, size)) + rng.normal(size=size)


def by_sqrtm(x, y):
  """The distance as pytorch-fid writes it."""
  a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
  mean = ((x.mean(0) - y.mean(0)) ** 2).sum()
  return mean + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b).real)


def gaussian(mean, covariance, count=1000.):
  mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
  outer = (count - 1) * covariance + count * np.outer(mean, mean)
  return Moments(count, count * mean, outer)


def test_agrees_with_scipy():
  x, y = features(0), features(1, frames=40)
  assert frechet_distance(moments(x), moments(y)) == pytest.approx(by_sqrtm(x, y), rel=1e-9)
  assert frechet_distance(moments(y), moments(x)) == pytest.approx(by_sqrtm(x, y), rel=1e-9)


def test_two_gaussians_by_hand():
  # Commuting covariances: the sum of (difference of means)^2 and (difference of deviations)^2.
  a, b = gaussian([1, 2], np.diag([4, 9])), gaussian([3, -1], np.diag([1, 25]))
  assert frechet_distance(a, b) == pytest.approx(4 + 9 + 1 + 4)
  # Not commuting: tr((A B)^1/2) = sqrt(tr(AB) + 2 sqrt(det(AB))) for 2 x 2.
  p, q = np.array([[2, 1], [1, 2.]]), np.array([[3, 0], [0, 1.]])
  product = p @ q
  root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
  assert frechet_distance(gaussian([0, 0], p), gaussian([0, 0], q)) == pytest.approx(8 - 2 * root)


@pytest.mark.parametrize('frames', [60, 4])
def test_equal_pools_are_at_zero_also_with_fewer_frames_than_features(frames):
  x = 30 * features(2, frames, 40)
  spread = np.cov(x, rowvar=False).trace()
  assert frechet_distance(moments(x), moments(x)) < 1e-10 * spread
  assert frechet_distance(moments(x), moments(x + 1)) == pytest.approx(40, rel=1e-6)


def test_few_frames_bias_the_distance_upwards():
  rng = np.random.default_rng(5)
  few, many = [frechet_distance(*(moments(rng.normal(size=(n, 16))) for _ in 'ab'))
               for n in (8, 800)]
  assert few > 5 * many


def test_clips_merge_to_the_pool():
  x = features(3, frames=30)
  whole, parts = moments(x), merge(moments(p) for p in np.split(x, [1, 7, 7, 20]))
  assert parts.count == whole.count == 30
  np.testing.assert_allclose(parts.total, whole.total, rtol=1e-12)
  np.testing.assert_allclose(parts.outer, whole.outer, rtol=1e-12)
  first = moments(x[:3])
  kept = first.outer.copy()
  merge([first, moments(x[3:])])
  np.testing.assert_array_equal(first.outer, kept)


def test_pools_without_a_covariance():
  assert np.isnan(frechet_distance(moments(features(0)[:1]), moments(features(1))))


def test_a_like_pool_is_nearer():
  x, other = features(6), features(7)
  near = x + .1 * np.random.default_rng(8).normal(size=x.shape)
  assert frechet_distance(moments(near), moments(x)) < frechet_distance(moments(other), moments(x))
