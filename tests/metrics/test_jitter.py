import numpy as np
import pytest

from cemnet_jax.metrics.jitter import jitter
from cemnet_jax.metrics.tally import EMPTY, mean, merge


def test_agrees_with_loops():
  points = np.random.default_rng(0).random((6, 4, 2)).astype(np.float32)
  bends = [np.hypot(*(points[t + 1, i].astype(float) - 2. * points[t, i] + points[t - 1, i])) * 256
           for t in range(1, 5) for i in range(4)]
  assert jitter(points) == pytest.approx((np.mean(bends), 1))


def test_steady_motion_has_none_and_noise_adds_some():
  steady = .3 + .01 * np.arange(8)[:, None, None] * np.array([1, -2.]) + np.zeros((8, 5, 2))
  assert jitter(steady).total == pytest.approx(0, abs=1e-9)
  noise = np.random.default_rng(1).normal(size=steady.shape)
  small, large = (jitter(steady + scale * noise).total for scale in (.001, .003))
  assert large == pytest.approx(3 * small)
  assert jitter(steady + .001 * noise, size=128).total == pytest.approx(small / 2)


def test_short_clips_do_not_count():
  rng = np.random.default_rng(2)
  long, short = jitter(rng.random((9, 5, 2))), jitter(rng.random((2, 5, 2)))
  assert short == EMPTY == jitter(np.zeros((0, 5, 2)))
  assert mean(merge([long, short])) == long.total
