"""Changes of a mel spectrogram against the same changes of the sound itself."""

import librosa
import numpy as np
import pytest
import scipy.signal

from cemnet_jax.data import sound_changes
from cemnet_jax.data.sound_changes import band_hertz, changed, with_colour, with_noise, with_tract
from cemnet_jax.preprocess.audio import mel_spectrogram

RATE, SECONDS = 16000, 3


def _noise(seed, level=0.05):
  return np.random.default_rng(seed).normal(0, level, SECONDS * RATE)


def _resonant(hertz, seed=0):
  """Noise through resonances at these frequencies, each 80 Hz wide for 1 kHz."""
  wav = _noise(seed, 1.0)
  for centre in hertz:
    b, a = scipy.signal.iirpeak(centre, 12.5, fs=RATE)
    wav = wav + 10 * scipy.signal.lfilter(b, a, wav)
  return 0.01 * wav


def _middle(mel):
  return mel[5:-5].mean(axis=0)


def test_bands_are_librosas():
  edges = librosa.mel_frequencies(82, fmin=55, fmax=7600)
  spacing = np.diff(edges)
  assert (np.abs(band_hertz() - edges[1:-1]) < spacing[1:]).all()
  np.testing.assert_allclose(band_hertz()[30:], edges[31:-1], rtol=0.01)


@pytest.mark.parametrize('octaves', [-0.2, 0.15])
def test_a_tract_moves_resonances(octaves):
  formants = np.array([600., 1500., 2600.])
  plain = mel_spectrogram(_resonant(formants))
  moved = mel_spectrogram(_resonant(formants * 2**octaves))
  ours = with_tract(plain, octaves)
  inside = band_hertz() < 5000
  error = np.abs(_middle(ours) - _middle(moved))[inside].mean()
  assert error < 0.3 * np.abs(_middle(plain) - _middle(moved))[inside].mean()


def test_a_colour_is_a_filter():
  wav = _noise(1)
  taps = scipy.signal.firwin2(257, [0, 500, 2000, 4000, RATE / 2], [0.5, 1, 2, 1, 0.3], fs=RATE)
  filtered = scipy.signal.convolve(wav, taps, mode='same')
  decibel = 20 * np.log10(np.abs(scipy.signal.freqz(taps, worN=band_hertz(), fs=RATE)[1]))
  ours = with_colour(mel_spectrogram(wav), decibel)
  np.testing.assert_allclose(_middle(ours), _middle(mel_spectrogram(filtered)), atol=0.05)


@pytest.mark.parametrize('level', [0.005, 0.05, 0.2])
def test_noise_adds_its_power(level):
  wav, noise = _noise(1), _noise(2, level)
  ours = with_noise(mel_spectrogram(wav), mel_spectrogram(noise))
  # One sum of two noises has the mean logarithm of another of that power.
  np.testing.assert_allclose(_middle(ours), _middle(mel_spectrogram(wav + noise)), atol=0.1)


def test_no_change_is_the_identity():
  mel = mel_spectrogram(_noise(1))
  np.testing.assert_allclose(with_tract(mel, 0.0), mel, atol=1e-6)
  np.testing.assert_array_equal(with_colour(mel, np.zeros(80)), mel)
  np.testing.assert_allclose(with_noise(mel, np.full((1, 80), -40.0)), mel, atol=1e-6)
  np.testing.assert_allclose(changed(mel, np.random.default_rng(0), 0.0), mel, atol=1e-6)


def test_changes_follow_the_generator_and_keep_the_range():
  mel = mel_spectrogram(_resonant([700., 1200.]))
  draw = lambda seed, strength=1.0: changed(mel, np.random.default_rng(seed), strength)
  np.testing.assert_array_equal(draw(0), draw(0))
  several = np.stack([draw(seed) for seed in range(40)])
  assert several.dtype == np.float32 and several.min() >= -4 and several.max() <= 4
  assert (np.ptp(several.mean(axis=1), axis=0) > 0.5).all()  # in every band
  small, large = (np.mean([np.abs(draw(seed, s) - mel).mean() for seed in range(40)])
                  for s in (0.3, 1.0))
  assert 0 < small < large


def test_noise_lies_in_its_range_below_the_loudest_frames(monkeypatch):
  for name in ('TRACT', 'COLOUR', 'TILT'):
    monkeypatch.setattr(sound_changes, name, 0.0)
  mel = np.full((200, 80), -4.0)
  mel[:100] = 1.0
  heard = [changed(mel, np.random.default_rng(seed), 1.0)[120:].mean() for seed in range(60)]
  noisy = np.array([value for value in heard if value > -3.99])
  assert 30 <= len(noisy) <= 55  # 0.7 of 60
  # In mel units 1 - 60 dB is below the floor and 1 - 15 dB is -0.2; a mean logarithm is lower.
  assert -0.6 < noisy.max() < -0.2
