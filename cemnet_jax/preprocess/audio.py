"""Audio features: 16 kHz speech (S,) to mel spectrograms (Wav2Lip, IP-LAP), MFCC windows (EVP) and
SyncNet's MFCC blocks.

Everything is computed in float64 and returned as float32. Frames are transformed in blocks of
`_BLOCK` at absolute positions, so that a slice has the same bits as the same part of the whole,
which librosa.stft does not promise.
"""

import functools

import numpy as np
import scipy.fft
from jaxtyping import Float, Int16, Shaped

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.recording import Recording
from cemnet_jax.topology import FPS, MEL_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

# Mel spectrogram of Wav2Lip and IP-LAP (hparams.py of both).
MEL_FFT = 800
MEL_HOP = SAMPLE_RATE // MEL_RATE
MEL_BANDS = 80
MEL_WINDOW = 16
MEL_LEAD = 2  # a window starts two video frames before its frame
_MEL_LOW, _MEL_HIGH = 55.0, 7600.0
_MEL_SILENCE = 1e-5
_REFERENCE_DB, _FLOOR_DB, _MAX_VALUE = 20.0, -100.0, 4.0

# MFCC of python_speech_features with its defaults, which EVP and SyncNet use.
MFCC_WIN, MFCC_HOP, MFCC_FFT = 400, 160, 512
MFCC_COEFS, MFCC_BANDS, MFCC_LIFTER = 13, 26, 22
MFCC_WINDOW, MFCC_STEP = 28, 4  # frames per window; frames per video frame
MFCC_PAD = 1920  # 0.12 s of zeros at both ends centre window j on video frame j
SYNC_WINDOW, SYNC_FRAMES = 20, 5  # SyncNet: MFCC frames and video frames per block

_PRE_EMPHASIS = 0.97
_BLOCK = 16
_CHUNK = 4 * _BLOCK  # frames computed at a time: arrays that stay in the cache


def load_wav16(pcm: Int16[np.ndarray, ' S']) -> Float[np.ndarray, ' S']:
  """16-bit samples to float32 in [-1, 1), exactly."""
  return pcm.astype(np.float32) / 32768


def to_wav16(wav: Float[np.ndarray, ' S']) -> Int16[np.ndarray, ' S']:
  """Float samples in [-1, 1] to 16 bits; louder ones are clipped."""
  return np.clip(np.round(np.asarray(wav, np.float64) * 32768), -32768, 32767).astype(np.int16)


def mel_spectrogram(wav: Shaped[np.ndarray, ' S'], pad: str = 'zeros') -> Float[np.ndarray, 'A 80']:
  """Normalised log-mel spectrogram, 80 frames a second, values in [-4, 4].

  Args:
    wav: float samples in [-1, 1] or int16, 16 kHz.
    pad: what is beyond the ends: 'zeros' (librosa >= 0.9, IP-LAP) or 'reflect' (older librosa, the
      weights of Wav2Lip's SyncNet). Only the first and last two frames differ.

  Returns:
    (A, 80) float32, A = 1 + S // 200.
  """
  wav = _checked(wav)
  return _in_chunks(functools.partial(_mel_frames, wav, pad=pad), 0, mel_length(len(wav)))


def mel_length(samples: int) -> int:
  """Number of mel frames of so many samples."""
  return 1 + samples // MEL_HOP


def mel_starts(frames: Shaped[np.ndarray, ' T'], samples: int) -> Shaped[np.ndarray, ' T']:
  """First mel frame of each video frame's window: int(80 (i - 2) / 25), clamped into the audio."""
  starts = MEL_RATE * (np.asarray(frames) - MEL_LEAD) // FPS
  return np.clip(starts, 0, mel_length(samples) - MEL_WINDOW)


def mel_windows(
    wav: Shaped[np.ndarray, ' S'] | Recording, start_frame: int, num_frames: int,
    pad: str = 'zeros') -> Float[np.ndarray, 'T 80 16']:
  """The 0.2 s mel windows of video frames [start_frame, start_frame + num_frames).

  Computes only the mel frames it needs, with the same bits as slices of `mel_spectrogram`.

  Raises:
    UserError: audio shorter than one window.
  """
  wav = _checked(wav)
  if mel_length(len(wav)) < MEL_WINDOW:
    raise UserError(f'audio of {len(wav) / SAMPLE_RATE:.2f} s is shorter than the 0.2 s window '
                    'that one video frame needs; give a longer recording')
  starts = mel_starts(np.arange(start_frame, start_frame + num_frames), len(wav))
  first = starts[0]
  mel = _in_chunks(functools.partial(_mel_frames, wav, pad=pad), first,
                   starts[-1] + MEL_WINDOW - first)
  windows = np.lib.stride_tricks.sliding_window_view(mel, MEL_WINDOW, axis=0)
  return np.ascontiguousarray(windows[starts - first])


def mel_statistics(wav: Shaped[np.ndarray, ' S'] | Recording) -> Float[np.ndarray, '2 80']:
  """Mean and standard deviation of each band of a recording's mel, in memory that does not grow
  with it. Float or int16 samples, 16 kHz."""
  wav = _checked(wav)
  count = mel_length(len(wav))
  features = functools.partial(_mel_frames, wav, pad='zeros')
  return _moments(_in_chunks(features, start, min(_CHUNK, count - start))
                  for start in range(0, count, _CHUNK))


def statistics_of(mel: Float[np.ndarray, 'A 80']) -> Float[np.ndarray, '2 80']:
  """`mel_statistics` of sound whose whole mel spectrogram is this, bit by bit."""
  return _moments(mel[start:start + _CHUNK] for start in range(0, len(mel), _CHUNK))


def _moments(parts):
  count, total = 0, np.zeros((2, MEL_BANDS))
  for part in parts:
    part = part.astype(np.float64)
    count += len(part)
    total += part.sum(axis=0), np.square(part).sum(axis=0)
  mean, square = total / count
  return np.float32([mean, np.sqrt(np.maximum(square - mean**2, 0))])


def mfcc(wav: Shaped[np.ndarray, ' S']) -> Float[np.ndarray, 'M 13']:
  """MFCC of python_speech_features with its defaults, 100 frames a second.

  Coefficient 0 is the log energy. Float and int16 samples are taken as they are: EVP feeds floats
  in [-1, 1], SyncNet int16, and the energy differs by 20.8 between them.

  Returns:
    (M, 13) float32, M = 1 + ceil((S - 400) / 160), at least 1.
  """
  wav = _not_empty(wav)
  return _in_chunks(functools.partial(_mfcc_frames, wav), 0, mfcc_length(len(wav)))


def mfcc_length(samples: int) -> int:
  """Number of MFCC frames of so many samples."""
  return 1 + max(0, -(-(samples - MFCC_WIN) // MFCC_HOP))


def mfcc_windows(wav: Shaped[np.ndarray, ' S']) -> Float[np.ndarray, 'T 28 12']:
  """EVP's input: one window of 28 MFCC frames, coefficients 1 to 12, per video frame.

  Window j covers MFCC frames 4j to 4j + 27 of the audio with 0.12 s of zeros at both ends, which
  centres it on video frame j (7.5 ms late). T = S // 640.

  Raises:
    UserError: audio shorter than one video frame.
  """
  return MfccWindows(wav)[:]


class MfccWindows:
  """The windows of `mfcc_windows`, of which a slice is computed when it is asked for.

  Raises:
    UserError: audio shorter than one video frame.
  """

  def __init__(self, wav: Shaped[np.ndarray, ' S'] | Recording):
    self._wav = _checked(wav)
    self._length = len(self._wav) // SAMPLES_PER_FRAME
    if not self._length:
      raise UserError(f'audio of {len(self._wav) / SAMPLE_RATE:.3f} s is shorter than one video '
                      'frame; give a longer recording')

  def __len__(self) -> int:
    return self._length

  def __getitem__(self, part: slice) -> Float[np.ndarray, 'T 28 12']:
    start, stop, _ = part.indices(self._length)
    return mfcc_windows_from(_mfcc_track(self._wav, start, stop - start), stop - start)


def mfcc_track(wav: Shaped[np.ndarray, ' S']) -> Float[np.ndarray, 'M 12']:
  """The MFCC frames that `mfcc_windows` cuts: padded audio, coefficients 1 to 12.

  M = 4 T + 24 for T = S // 640 video frames: enough for T whole windows. DTW aligns these frames.
  """
  return _mfcc_track(_checked(wav), 0, len(wav) // SAMPLES_PER_FRAME)


def _mfcc_track(wav, start, num_frames):
  """The part of `mfcc_track` that the windows of `num_frames` frames from `start` on need."""
  features = functools.partial(_mfcc_frames, _Padded(wav))
  length = MFCC_STEP * (num_frames - 1) + MFCC_WINDOW
  return _in_chunks(features, MFCC_STEP * start, length)[:, 1:]


class _Padded:
  """Samples with MFCC_PAD zeros at both ends, as far as slices of them are asked for."""

  def __init__(self, wav):
    self._wav = wav

  def __len__(self):
    return len(self._wav) + 2 * MFCC_PAD

  def __getitem__(self, part):
    start, stop, _ = part.indices(len(self))
    low, high = np.clip([start - MFCC_PAD, stop - MFCC_PAD], 0, len(self._wav))
    before = min(max(MFCC_PAD - start, 0), stop - start)
    return np.pad(self._wav[low:high], (before, stop - start - before - (high - low)))


def mfcc_windows_from(
    track: Float[np.ndarray, 'M 12'], num_frames: int) -> Float[np.ndarray, 'T 28 12']:
  """Cuts the frames of `mfcc_track` (perhaps warped) into one window per video frame."""
  windows = np.lib.stride_tricks.sliding_window_view(track, MFCC_WINDOW, axis=0)
  windows = windows[:MFCC_STEP * num_frames:MFCC_STEP]
  return np.ascontiguousarray(windows.transpose(0, 2, 1))


def syncnet_mfcc(pcm: Int16[np.ndarray, ' S']) -> Float[np.ndarray, 'V 13 20']:
  """SyncNet's audio blocks (spec 9.1): block v holds MFCC frames 4v to 4v + 19 of int16 audio.

  V = S // 640 - 5, the number of blocks of five video frames that SyncNet scores.

  Raises:
    UserError: audio of less than six video frames, or not int16.
  """
  if pcm.dtype != np.int16:
    raise UserError(f'SyncNet takes int16 samples, not {pcm.dtype}; use to_wav16')
  num_blocks = len(pcm) // SAMPLES_PER_FRAME - SYNC_FRAMES
  if num_blocks < 1:
    raise UserError(f'audio of {len(pcm) / SAMPLE_RATE:.2f} s is too short for SyncNet, '
                    'which needs six video frames (0.24 s)')
  frames = mfcc(pcm)
  windows = np.lib.stride_tricks.sliding_window_view(frames, SYNC_WINDOW, axis=0)
  return np.ascontiguousarray(windows[:MFCC_STEP * num_blocks:MFCC_STEP])


def _not_empty(wav):
  wav = wav if isinstance(wav, Recording) else np.asarray(wav)
  if not len(wav):
    raise UserError('the audio holds no samples; give a recording that is not empty')
  return wav


def _checked(wav):
  """Float samples of a recording that is not empty."""
  wav = _not_empty(wav)
  return load_wav16(wav) if wav.dtype == np.int16 else wav


def _pre_emphasis(wav, start, stop, pad='zeros'):
  """y[n] = x[n] - 0.97 x[n-1] at n in [start, stop), float64, padded beyond the ends of y."""
  low, high = max(start, 0), min(stop, len(wav))
  samples = wav[max(low - 1, 0):high].astype(np.float64)
  if low == 0:
    samples = np.append(0.0, samples)
  emphasised = np.zeros(stop - start)
  emphasised[low - start:high - start] = samples[1:] - _PRE_EMPHASIS * samples[:-1]
  if pad == 'reflect':
    outside = np.concatenate([np.arange(start, low), np.arange(high, stop)])
    period = max(2 * (len(wav) - 1), 1)
    mirrored = outside % period
    mirrored = np.where(mirrored < len(wav), mirrored, period - mirrored)
    before = np.where(mirrored > 0, wav[mirrored - 1], 0).astype(np.float64)
    emphasised[outside - start] = wav[mirrored].astype(np.float64) - _PRE_EMPHASIS * before
  elif pad != 'zeros':
    raise ValueError(f"pad is 'zeros' or 'reflect', not {pad!r}")
  return emphasised


def _in_chunks(features, first, count):
  """features(low, high) of frames [first, first + count), block-aligned, _CHUNK at a time."""
  low, high = first - first % _BLOCK, -(-(first + count) // _BLOCK) * _BLOCK
  parts = [features(start, min(start + _CHUNK, high)) for start in range(low, high, _CHUNK)]
  return np.concatenate(parts)[first - low:first - low + count]


def _power(samples, width, hop, fft, window=None):
  """|FFT|^2 of overlapping frames of samples, (frames, fft / 2 + 1)."""
  frames = np.lib.stride_tricks.sliding_window_view(samples, width)[::hop]
  spectrum = scipy.fft.rfft(frames if window is None else frames * window, fft)
  return spectrum.real**2 + spectrum.imag**2


def _matmul(frames, matrix):
  """frames (A, K) @ matrix (K, D), one BLAS shape for any A: equal frames get equal bits."""
  return (frames.reshape(-1, _BLOCK, len(matrix)) @ matrix).reshape(len(frames), -1)


def _mel_frames(wav, low, high, pad):
  start = low * MEL_HOP - MEL_FFT // 2
  samples = _pre_emphasis(wav, start, start + (high - low - 1) * MEL_HOP + MEL_FFT, pad)
  window, bank = mel_constants()
  energy = _matmul(np.sqrt(_power(samples, MEL_FFT, MEL_HOP, MEL_FFT, window)), bank)
  decibel = 20 * np.log10(np.maximum(_MEL_SILENCE, energy)) - _REFERENCE_DB
  scaled = 2 * _MAX_VALUE * (decibel - _FLOOR_DB) / -_FLOOR_DB - _MAX_VALUE
  return np.clip(scaled, -_MAX_VALUE, _MAX_VALUE).astype(np.float32)


def _mfcc_frames(wav, low, high):
  samples = _pre_emphasis(wav, low * MFCC_HOP, (high - 1) * MFCC_HOP + MFCC_WIN)
  bank, cosines = _mfcc_constants()
  power = _power(samples, MFCC_WIN, MFCC_HOP, MFCC_FFT) / MFCC_FFT
  bands = _matmul(power, bank)
  tiny = np.finfo(np.float64).eps  # python_speech_features replaces exact zeros by this
  cepstra = _matmul(np.log(np.where(bands == 0, tiny, bands)), cosines)
  energy = power.sum(axis=1)
  cepstra[:, 0] = np.log(np.where(energy == 0, tiny, energy))
  return cepstra.astype(np.float32)


@functools.cache
def mel_constants():
  """Periodic Hann window (800,) and Slaney mel filters (401, 80): those of librosa.filters, to
  1e-12 as a test says. Importing librosa takes 1.5 s, which `cemnet generate` would wait for."""
  window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(MEL_FFT) / MEL_FFT)
  edges = _slaney_hz(np.linspace(_slaney_mel(_MEL_LOW), _slaney_mel(_MEL_HIGH), MEL_BANDS + 2))
  bank = _triangles(edges, np.arange(MEL_FFT // 2 + 1) * (SAMPLE_RATE / MEL_FFT))
  return window, bank * (2.0 / (edges[2:] - edges[:-2]))


@functools.cache
def _mfcc_constants():
  """Filters (257, 26) and liftered orthonormal DCT-II (26, 13) of python_speech_features."""
  top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
  edges_hz = 700 * (10 ** (np.linspace(0, top, MFCC_BANDS + 2) / 2595) - 1)
  edges = np.floor((MFCC_FFT + 1) * edges_hz / SAMPLE_RATE)
  bank = _triangles(edges, np.arange(MFCC_FFT // 2 + 1))
  k = np.arange(MFCC_COEFS)
  cosines = np.cos(np.pi * k * (np.arange(MFCC_BANDS)[:, None] + 0.5) / MFCC_BANDS)
  cosines *= np.sqrt(2 / MFCC_BANDS) * np.where(k == 0, np.sqrt(0.5), 1)
  return bank, cosines * (1 + MFCC_LIFTER / 2 * np.sin(np.pi * k / MFCC_LIFTER))


def _triangles(edges, points):
  """Triangular filters (points, bands): up from edges[b] to edges[b+1], down to edges[b+2]."""
  rising = (points[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
  falling = (edges[2:] - points[:, None]) / (edges[2:] - edges[1:-1])
  return np.maximum(0, np.minimum(rising, falling))


def _slaney_mel(hertz):
  """Slaney's Auditory Toolbox scale: linear to 1 kHz, 27 log steps per factor 6.4 above."""
  octaves = np.log(np.maximum(hertz, 1e-9) / 1000) / np.log(6.4)
  return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * octaves)


def _slaney_hz(mel):
  return np.where(mel < 15, mel * (200 / 3), 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
