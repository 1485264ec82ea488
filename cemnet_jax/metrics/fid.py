"""Frechet distance of two pools of features, from sums that merge over clips and hosts."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Moments(NamedTuple):
  """Sums over the frames of a pool: how many, of the features, of their outer products."""
  count: float
  total: Float[np.ndarray, ' D']
  outer: Float[np.ndarray, 'D D']


def moments(features: Float[np.ndarray, 'T D']) -> Moments:
  """Sums over the frames of one clip, float64."""
  features = np.asarray(features, np.float64)
  return Moments(float(len(features)), features.sum(0), features.T @ features)


def merge(pools: Iterable[Moments]) -> Moments:
  """The moments of all frames together."""
  first, *rest = pools
  count, total, outer = first.count, first.total.copy(), first.outer.copy()
  # In place: a list of (2048, 2048) arrays stacked for one sum would not fit into memory.
  for pool in rest:
    count += pool.count
    total += pool.total
    outer += pool.outer
  return Moments(count, total, outer)


def frechet_distance(a: Moments, b: Moments) -> float:
  """|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of pools, not of single clips.

  With C_a = F_a F_a^T the trace of the root is the sum of the singular values of F_a^T F_b: no
  root of a product is ever taken, so that singular covariances cost no accuracy.

  A pool of n <= D frames has a covariance of rank n - 1. The distance is still defined and still
  0 for equal pools, but it is biased upwards, the more the fewer frames: compare only pools of
  equal counts, and print the count.

  Returns:
    The distance; nan where a pool has fewer than two frames, and so no covariance.
  """
  if min(a.count, b.count) < 2:
    return float('nan')
  (mean_a, factor_a), (mean_b, factor_b) = _gaussian(a), _gaussian(b)
  root = np.linalg.svd(factor_a.T @ factor_b, compute_uv=False).sum()
  spread = (factor_a ** 2).sum() + (factor_b ** 2).sum() - 2 * root
  # Rounding can leave a negative zero's worth of spread.
  return float(((mean_a - mean_b) ** 2).sum() + max(spread, 0.))


def _gaussian(pool):
  """Mean (D,) and a factor F (D, D) with F F^T the unbiased covariance."""
  mean = pool.total / pool.count
  covariance = (pool.outer - pool.count * np.outer(mean, mean)) / (pool.count - 1)
  values, vectors = np.linalg.eigh(covariance)
  return mean, vectors * np.sqrt(np.maximum(values, 0))
