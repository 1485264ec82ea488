"""Small media files as other programs make them."""

import wave

import numpy as np


def write_wav(path, samples, rate=16000):
  """16-bit samples (S,) or (S, C) in [-1, 1]."""
  samples = np.atleast_2d(samples.T).T
  with wave.open(str(path), 'wb') as out:
    out.setparams((samples.shape[1], 2, rate, 0, 'NONE', ''))
    out.writeframes(np.round(samples * 32767).astype('<i2').tobytes())
