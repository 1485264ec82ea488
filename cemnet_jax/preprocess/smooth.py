"""Smoothing of landmark tracks over time: detector tremble goes, what a mouth does stays."""

import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_filter

from cemnet_jax.topology import FPS

METHODS = ('none', 'savgol', 'one_euro')
SAVGOL_FRAMES, SAVGOL_ORDER = 5, 2  # 0.2 s: lips close and open within three frames of 25 a second
# Casiez et al. 2012, eq. 2-6: cut-off at rest in Hz, its growth with speed, that of the speed.
MIN_CUTOFF, BETA, SPEED_CUTOFF = 4.0, 20.0, 1.0  # speed in face widths a second


def smooth(landmarks: Float[np.ndarray, 'T L 2'], method: str) -> Float[np.ndarray, 'T L 2']:
  """Smooths every run of found frames by itself; NaN frames stay.

  Args:
    landmarks: px or any other unit, NaN where no face was found.
    method: 'none', 'savgol' (polynomials of 5 frames, no delay) or 'one_euro' (causal, and thus
      late by up to a frame at speech's speeds).

  Raises:
    ValueError: unknown method.
  """
  if method not in METHODS:
    raise ValueError(f'smoothing is one of {METHODS}, not {method!r}')
  if method == 'none':
    return landmarks
  out = landmarks.copy()
  found = np.isfinite(landmarks).all(axis=(1, 2))
  edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]])))
  for start, stop in edges.reshape(-1, 2):
    out[start:stop] = _FILTERS[method](landmarks[start:stop])
  return out


def _savgol(track):
  if len(track) < SAVGOL_FRAMES:
    return track
  return savgol_filter(track, SAVGOL_FRAMES, SAVGOL_ORDER, axis=0).astype(track.dtype)


def _one_euro(track):
  width = np.ptp(track[0, :, 0])
  position, speed = track[0].astype(np.float64), np.zeros(track.shape[1:])
  out = [position]
  for now in track[1:]:
    speed += _weight(SPEED_CUTOFF) * ((now - position) * FPS / width - speed)
    cutoff = MIN_CUTOFF + BETA * np.linalg.norm(speed, axis=-1, keepdims=True)
    position = position + _weight(cutoff) * (now - position)
    out.append(position)
  return np.stack(out).astype(track.dtype)


def _weight(cutoff):
  """Share of the new value in a first-order low-pass of that cut-off in Hz."""
  step = 2 * np.pi * cutoff / FPS
  return step / (step + 1)


_FILTERS = {'savgol': _savgol, 'one_euro': _one_euro}
