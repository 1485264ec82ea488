import numpy as np
import pytest

from cemnet_jax.metrics.sync_offset import lip_sync, sync_offset
from cemnet_jax.metrics.tally import EMPTY, mean


def speech_like(times):
  """A band-limited positive signal, syllables at 2 to 6 Hz, sampled at any time (s)."""
  rng = np.random.default_rng(3)
  waves = [a * np.sin(2 * np.pi * f * times + p) for f, p, a in zip(
    rng.uniform(1, 6, 12), rng.uniform(0, 6, 12), rng.uniform(.5, 1, 12))]
  return np.sum(waves, 0) ** 2


@pytest.mark.parametrize('delay_ms', [-130, -40, -12, 0, 7, 33, 80, 260])
def test_finds_a_known_delay_within_five_ms(delay_ms):
  times = np.arange(75) / 25
  signal = 3 + 2 * speech_like(times - delay_ms / 1000)
  offset, correlation = sync_offset(signal, speech_like(times))
  assert offset == pytest.approx(delay_ms, abs=5)
  assert correlation > .7  # signals this near the Nyquist rate lose height between samples


def test_unequal_lengths_and_silence():
  times = np.arange(75) / 25
  offset, _ = sync_offset(speech_like(times)[:60], speech_like(times))
  assert offset == pytest.approx(0, abs=1)
  assert np.isnan(sync_offset(np.ones(75), speech_like(times))).all()
  rounding = 1 + 1e-7 * np.random.default_rng(0).normal(size=75)
  assert np.isnan(sync_offset(rounding, speech_like(times))).all()
  assert np.isnan(sync_offset(np.ones(5), np.ones(5))).all()


def test_tallies_take_the_size_of_the_offset_and_leave_silence_out():
  times = np.arange(75) / 25
  early, still = lip_sync(np.stack([speech_like(times + .08), np.ones(75)]), speech_like(times))
  assert mean(early['offset_ms']) == pytest.approx(80, abs=5)
  assert mean(early['gap_correlation']) > .7
  assert set(still.values()) == {EMPTY}


def test_several_signals_are_those_one_by_one_and_the_correlation_is_pearson_s():
  times = np.arange(75) / 25
  signals = np.stack([speech_like(times - late) for late in (-.1, 0., .23)])
  offsets, correlations = sync_offset(signals, speech_like(times))
  single = [sync_offset(signal, speech_like(times)) for signal in signals]
  np.testing.assert_allclose(np.stack([offsets, correlations], 1), single, rtol=1e-12)
  assert all(isinstance(x, float) for x in single[0])
  noisy = speech_like(times) + np.random.default_rng(0).normal(size=75)
  offset, correlation = sync_offset(noisy, speech_like(times))
  assert abs(offset) < 20
  assert correlation == pytest.approx(np.corrcoef(noisy, speech_like(times))[0, 1], rel=1e-12)
