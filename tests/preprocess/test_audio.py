"""Audio features against librosa and python_speech_features, and their timing against impulses."""

import librosa
import numpy as np
import pytest
import python_speech_features
import scipy.signal

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.recording import Recording

FRAME = 640  # samples per video frame


def _sound(samples, seed=0):
  """Noise, tones, silence and clicks, float32 in [-1, 1]."""
  rng = np.random.default_rng(seed)
  time = np.arange(samples) / 16000
  wav = 0.2 * np.sin(2 * np.pi * 220 * time * (1 + time)) + rng.normal(0, 0.05, samples)
  wav[samples // 3:samples // 2] = 0
  wav[-samples // 10] = 0.9
  return wav.astype(np.float32)


def _librosa_mel(wav, pad_mode):
  """The recipe of IP-LAP's audio.py, written with librosa."""
  emphasised = scipy.signal.lfilter([1, -0.97], [1], wav.astype(np.float64))
  magnitude = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800,
                                  pad_mode=pad_mode))
  mel = librosa.filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600) @ magnitude
  decibel = 20 * np.log10(np.maximum(1e-5, mel)) - 20
  return np.clip(8 * (decibel + 100) / 100 - 4, -4, 4).T


@pytest.mark.parametrize('pad, pad_mode', [('zeros', 'constant'), ('reflect', 'reflect')])
@pytest.mark.parametrize('samples', [801, 3000, 16000, 31999])
def test_mel_equals_librosa(samples, pad, pad_mode):
  wav = _sound(samples)
  mel = audio.mel_spectrogram(wav, pad)
  assert mel.dtype == np.float32
  assert mel.shape == (1 + samples // 200, 80) == (audio.mel_length(samples), 80)
  np.testing.assert_allclose(mel, _librosa_mel(wav, pad_mode), atol=1e-5)


def test_constants_are_librosas():
  window, bank = audio.mel_constants()
  theirs = librosa.filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600,
                               dtype=np.float64)
  np.testing.assert_allclose(bank.T, theirs, rtol=0, atol=1e-12)
  np.testing.assert_allclose(window, librosa.filters.get_window('hann', 800), rtol=0, atol=1e-12)


def test_paddings_differ_only_in_the_first_and_last_two_frames():
  wav = _sound(16000) + 0.1
  zeros, reflect = audio.mel_spectrogram(wav), audio.mel_spectrogram(wav, 'reflect')
  np.testing.assert_array_equal(zeros[2:-2], reflect[2:-2])
  assert np.abs(zeros[0] - reflect[0]).max() > 0.1


@pytest.mark.parametrize('samples', [3000, 16000, 190_001])
def test_mel_statistics_are_those_of_the_whole(samples):
  wav = _sound(samples)
  mel = audio.mel_spectrogram(wav)
  found = audio.mel_statistics(wav)
  assert found.shape == (2, 80) and found.dtype == np.float32
  np.testing.assert_allclose(found, [mel.mean(0, np.float64), mel.std(0, np.float64)], atol=2e-6)
  np.testing.assert_array_equal(audio.statistics_of(mel), found)
  np.testing.assert_array_equal(audio.mel_statistics(Recording([wav[:700], wav[700:]])), found)


@pytest.mark.parametrize('pad', ['zeros', 'reflect'])
@pytest.mark.parametrize('frames', [6, 25, 61])
def test_mel_windows_are_bits_of_the_whole(frames, pad):
  wav = _sound(frames * FRAME)
  mel = audio.mel_spectrogram(wav, pad)
  for count in (1, 5):
    for first in range(frames - count + 1):
      windows = audio.mel_windows(wav, first, count, pad)
      assert windows.shape == (count, 80, 16) and windows.flags.c_contiguous
      for i in range(count):
        start = min(max(int(80 * (first + i - 2) / 25), 0), len(mel) - 16)
        np.testing.assert_array_equal(windows[i], mel[start:start + 16].T)


def test_int16_and_float_give_the_same_mel():
  pcm = audio.to_wav16(_sound(16000))
  np.testing.assert_array_equal(audio.mel_windows(pcm, 3, 5),
                                audio.mel_windows(audio.load_wav16(pcm), 3, 5))
  np.testing.assert_array_equal(audio.mfcc_windows(pcm),
                                audio.mfcc_windows(audio.load_wav16(pcm)))


def test_wav16_round_trip_and_clipping():
  pcm = np.array([-32768, -1, 0, 1, 32767], np.int16)
  np.testing.assert_array_equal(audio.to_wav16(audio.load_wav16(pcm)), pcm)
  np.testing.assert_array_equal(audio.to_wav16(np.array([-2.0, 2.0])), [-32768, 32767])


def test_mel_window_contains_its_frame():
  frames, frame = 50, 20
  wav = np.zeros(frames * FRAME, np.float32)
  wav[frame * FRAME + FRAME // 2] = 1
  windows = audio.mel_windows(wav, 0, frames)
  heard = np.flatnonzero((windows > -4).any(axis=(1, 2)))
  # 0.2 s and the 50 ms of one spectrum see about 6 frames: from 3 before to 3 after.
  assert frame in heard and heard.min() >= frame - 4 and heard.max() <= frame + 3
  loudest = windows[frame].mean(axis=0).argmax()
  assert abs(loudest - 8) <= 1  # in the middle of its own window


@pytest.mark.parametrize('samples', [100, 400, 401, 560, 16000, 16001])
@pytest.mark.parametrize('dtype', [np.float64, np.int16])
def test_mfcc_equals_python_speech_features(samples, dtype):
  wav = _sound(samples).astype(np.float64)
  wav = audio.to_wav16(wav) if dtype == np.int16 else wav
  ours, theirs = audio.mfcc(wav), python_speech_features.mfcc(wav, samplerate=16000)
  assert ours.shape == theirs.shape == (audio.mfcc_length(samples), 13)
  np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_mfcc_windows_are_evps():
  wav = _sound(30 * FRAME)
  padded = np.concatenate([np.zeros(1920), wav, np.zeros(1920)])
  theirs = python_speech_features.mfcc(padded, samplerate=16000)[:, 1:]
  windows = audio.mfcc_windows(wav)
  assert windows.shape == (30, 28, 12)
  for j in range(29):  # EVP drops the last window for want of one frame
    np.testing.assert_allclose(windows[j], theirs[4 * j:4 * j + 28], atol=1e-4)


def test_mfcc_track_cuts_into_the_windows():
  wav = _sound(7 * FRAME + 13)
  track = audio.mfcc_track(wav)
  assert track.shape == (4 * 7 + 24, 12)
  np.testing.assert_array_equal(audio.mfcc_windows_from(track, 7), audio.mfcc_windows(wav))


@pytest.mark.parametrize('frame', [0, 10, 24])
def test_mfcc_window_is_centred_on_its_frame(frame):
  wav = np.zeros(25 * FRAME)
  middle = frame * FRAME + FRAME // 2
  wav[middle - 16:middle + 16] = np.sin(np.arange(32) * np.pi / 16)  # 2 ms at 1 kHz
  window = audio.mfcc_windows(wav)[frame]
  heard = np.flatnonzero(np.abs(window).max(axis=1) > 1)  # silence has a flat spectrum: all 0
  assert 2 <= heard.size <= 4
  assert abs(heard.mean() - 13.5) <= 1.0  # one MFCC frame is 10 ms


def test_syncnet_blocks():
  pcm = audio.to_wav16(_sound(20 * FRAME))
  theirs = python_speech_features.mfcc(pcm, 16000)
  blocks = audio.syncnet_mfcc(pcm)
  assert blocks.shape == (15, 13, 20)
  for v in range(15):
    np.testing.assert_allclose(blocks[v], theirs[4 * v:4 * v + 20].T, atol=1e-4)


@pytest.mark.parametrize('call', [
  lambda: audio.mel_spectrogram(np.zeros(0, np.float32)),
  lambda: audio.mel_windows(np.zeros(2999, np.float32), 0, 5),
  lambda: audio.mfcc(np.zeros(0, np.float32)),
  lambda: audio.mfcc_windows(np.zeros(639, np.float32)),
  lambda: audio.syncnet_mfcc(np.zeros(16000, np.float32)),
  lambda: audio.syncnet_mfcc(np.zeros(5 * FRAME, np.int16)),
])
def test_unusable_audio_is_a_user_error(call):
  with pytest.raises(UserError):
    call()
