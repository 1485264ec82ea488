"""Resampling in parts has the bits of the whole; a recording is the array it was made of."""

import tempfile

import librosa
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import audio, recording
from cemnet_jax.preprocess.recording import Recording, resample_parts


def noise(count, seed=0):
  return np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)


def cut(wav, sizes):
  """Parts of `wav` whose lengths repeat `sizes`."""
  start, i = 0, 0
  while start < len(wav):
    yield wav[start:start + sizes[i % len(sizes)]]
    start, i = start + sizes[i % len(sizes)], i + 1


RATES = [(44100, 16000), (48000, 16000), (8000, 16000), (16000, 48000), (11025, 16000),
         (22050, 16000)]


def tone(hertz, rate):
  return np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate)


def resampled(wav, sizes, rate, new_rate):
  return np.concatenate(list(resample_parts(cut(wav, sizes), rate, new_rate)))


@pytest.mark.parametrize('rate, new_rate', RATES)
@pytest.mark.parametrize('seconds, sizes', [(3.3, [1024]), (2.0, [1, 70000, 331]), (.25, [5000])])
def test_parts_have_the_bits_of_the_whole(rate, new_rate, seconds, sizes):
  wav = noise(int(seconds * rate) + 7)
  parts = list(resample_parts(cut(wav, sizes), rate, new_rate))
  whole = resampled(wav, [len(wav)], rate, new_rate)
  np.testing.assert_array_equal(np.concatenate(parts), whole)
  assert len(whole) == round(len(wav) * new_rate / rate) and whole.dtype == np.float32
  np.testing.assert_allclose(
    whole, librosa.resample(wav, orig_sr=rate, target_sr=new_rate, res_type='soxr_hq')[:len(whole)],
    atol=1e-6)
  assert max(map(len, parts)) <= 2 * new_rate + 1  # also of a sound without end


@pytest.mark.parametrize('rate, new_rate', RATES)
def test_tones_keep_their_place_and_what_the_new_rate_cannot_hold_goes(rate, new_rate):
  low, inside = min(rate, new_rate), slice(new_rate // 4, -new_rate // 4)
  for hertz in (150, 0.1 * low, 0.2 * low, 0.3 * low, 0.6 * low, 0.9 * low):
    if hertz < rate / 2:
      got = resampled(tone(hertz, rate).astype(np.float32), [1024], rate, new_rate)
      error = got - tone(hertz, new_rate) * (hertz < new_rate / 2)
      assert np.square(error[inside]).mean() < 0.5 * 10 ** -8.2, hertz  # -82 dB


@pytest.mark.parametrize('channels', [1, 2])
def test_channels_are_resampled_each_for_itself(channels):
  wav = np.stack([noise(9600, seed) for seed in range(channels)], axis=1)
  got = resampled(wav, [999], 48000, 16000)
  assert got.shape == (3200, channels)
  for k in range(channels):
    np.testing.assert_array_equal(got[:, k], resampled(wav[:, k], [480], 48000, 16000))


def test_no_sound_stays_no_sound():
  assert list(resample_parts([], 48000, 16000)) == []


def test_equal_rates_change_nothing():
  wav = noise(5000)
  np.testing.assert_array_equal(resampled(wav, [7], 8, 8), wav)


def test_a_recording_is_its_samples_and_zeros_to_whole_frames():
  wav = noise(3210)
  kept = Recording(cut(wav, [1000, 1]), 640)
  assert len(kept) == 3840 and kept.dtype == np.float32
  padded = np.pad(wav, (0, 630))
  for part in (slice(None), slice(5, 17), slice(3000, 9999), slice(40, 20), slice(-3, None)):
    np.testing.assert_array_equal(kept[part], padded[part])
  assert len(Recording([wav[:1280]], 640)) == 1280


def test_features_of_a_recording_are_those_of_its_samples():
  wav = noise(16000)
  kept = Recording([wav])
  for start, count in ((0, 25), (3, 5), (20, 5)):
    np.testing.assert_array_equal(audio.mel_windows(kept, start, count),
                                  audio.mel_windows(wav, start, count))
  windows, whole = audio.MfccWindows(kept), audio.mfcc_windows(wav)
  assert len(windows) == len(whole) == 25
  for part in (slice(None), slice(0, 1), slice(3, 11), slice(20, 40)):
    np.testing.assert_array_equal(windows[part], whole[part])


def test_a_full_disk_is_one_line(monkeypatch):
  def full(*args):
    raise OSError(28, 'No space left on device')
  monkeypatch.setattr(recording.tempfile, 'TemporaryFile', full)
  with pytest.raises(UserError, match='cannot be kept there .No space left.*TMPDIR'):
    Recording([noise(10)])
  assert tempfile.gettempdir()
