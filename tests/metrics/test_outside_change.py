import numpy as np
import pytest

from cemnet_jax.metrics.outside_change import outside_change


def test_mean_and_percentile_of_the_region_alone():
  rng = np.random.default_rng(0)
  drawn, shown = rng.integers(0, 256, (2, 4, 20, 30, 3), np.uint8)
  regions = rng.random((4, 20, 30)) < .4
  found = outside_change(drawn, shown, regions)
  change = np.abs(drawn.astype(float) - shown).mean(-1)
  for t in range(4):
    assert found.mean[t] == pytest.approx(change[t][regions[t]].mean())
    assert found.high[t] == pytest.approx(np.quantile(change[t][regions[t]], .99))
  painted = np.where(regions[..., None], shown, drawn)  # paint everywhere but there
  assert outside_change(painted, shown, regions).mean.max() == 0


def test_darker_and_lighter_count_alike_and_bytes_do_not_wrap():
  shown = np.full((2, 4, 4, 3), 250, np.uint8)
  drawn = np.stack([shown[0] - 250, shown[1] + 5])
  found = outside_change(drawn, shown, np.ones((2, 4, 4), bool))
  np.testing.assert_allclose(found.mean, [250, 5])


def test_nothing_to_compare_is_not_zero():
  frames = np.zeros((1, 4, 4, 3), np.uint8)
  assert np.isnan(outside_change(frames, frames, np.zeros((1, 4, 4), bool))).all()
