"""Other voices, microphones and rooms for the same words: changes of a mel spectrogram (A, 80) of
`preprocess.audio`, which is linear in decibels, in numpy.
"""

import functools

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.audio import MEL_BANDS, mel_constants
from cemnet_jax.topology import SAMPLE_RATE

# At strength 1. Vocal tract: octaves of the formants, about as far as children are from men; the
# other figures are wide enough that telephones, cars and halls lie inside.
TRACT = 0.2
COLOUR, COLOUR_KNOTS = 4.0, 8  # dB of a smooth equaliser, and at how many places it is drawn
TILT = 7.0  # dB by which the lowest and the highest band are moved apart, at most, either way
NOISE = -60.0, -15.0  # dB of noise against the loudest frames
_MEL_PER_DB = 8 / 100  # preprocess.audio scales 100 dB to [-4, 4]
_LOW, _HIGH = -4.0, 4.0
_BANDS = np.linspace(0, 1, MEL_BANDS)

Mel = Float[np.ndarray, 'A 80']


@functools.cache
def band_hertz() -> Float[np.ndarray, '80']:
  """Centre of gravity of each mel filter."""
  _, bank = mel_constants()
  hertz = np.arange(len(bank)) * (SAMPLE_RATE / 2 / (len(bank) - 1))
  return hertz @ bank / bank.sum(axis=0)


def with_tract(mel: Mel, octaves: float) -> Mel:
  """All resonances `octaves` higher, as of a shorter vocal tract (VTLP, Jaitly & Hinton 2013);
  the highest bands repeat what is there."""
  hertz = band_hertz()
  at = np.interp(hertz * 2.0 ** -octaves, hertz, np.arange(MEL_BANDS))
  low = np.minimum(at.astype(int), MEL_BANDS - 2)
  part = at - low
  return mel[:, low] * (1 - part) + mel[:, low + 1] * part


def with_colour(mel: Mel, decibel: Float[np.ndarray, '80']) -> Mel:
  """Every band louder by so many dB, as through another microphone."""
  return mel + _MEL_PER_DB * decibel


def with_noise(mel: Mel, noise: Float[np.ndarray, '#A 80']) -> Mel:
  """The power of `noise` (a mel spectrogram, too) added."""
  nepers = np.log(10) / 10 / _MEL_PER_DB
  return np.logaddexp(nepers * mel, nepers * noise) / nepers


def changed(mel: Mel, rng: np.random.Generator, strength: float) -> Mel:
  """Another tract, colour and noise, drawn by `rng` up to `strength` times the figures above.

  Loudness is left alone: what listens takes it out. Values stay in [-4, 4].
  """
  mel = with_tract(mel, strength * TRACT * rng.uniform(-1, 1))
  knots = rng.normal(0, COLOUR, COLOUR_KNOTS)
  colour = np.interp(_BANDS, np.linspace(0, 1, COLOUR_KNOTS), knots)
  colour += TILT * rng.uniform(-1, 1) * (_BANDS - 0.5)
  mel = with_colour(mel, strength * colour)
  loudest = np.percentile(mel.mean(axis=1), 95)
  level = loudest + _MEL_PER_DB * rng.uniform(*NOISE)
  level = level + _MEL_PER_DB * TILT * rng.uniform(-1, 0) * _BANDS
  # Sums of a few squared Gaussians, as noise in a band of a frame is.
  noise = level + _MEL_PER_DB * 10 * np.log10(rng.gamma(2, 0.5, mel.shape) + 1e-6)
  if rng.random() < 0.7 * min(strength, 1):
    mel = with_noise(mel, noise)
  return np.clip(mel, _LOW, _HIGH).astype(np.float32)
