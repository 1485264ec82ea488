import numpy as np
import pytest

from cemnet_jax.metrics.sound_energy import sound_energy


def test_is_librosas_rms_of_whole_frames():
  librosa = pytest.importorskip('librosa')
  audio = np.random.default_rng(0).normal(0, .1, 640 * 10).astype(np.float32)
  expected = librosa.feature.rms(y=audio, frame_length=640, hop_length=640, center=False)[0]
  np.testing.assert_allclose(sound_energy(audio, 10), expected, rtol=1e-5)


def test_a_sine_and_the_silence_after_it():
  audio = np.sin(2 * np.pi * 200 * np.arange(1600) / 16000).astype(np.float32)
  np.testing.assert_allclose(sound_energy(audio, 4), [.5 ** .5, .5 ** .5, .5, 0], atol=1e-3)
