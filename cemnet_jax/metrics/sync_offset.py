"""By how many milliseconds one mouth-opening signal lags another, finer than a frame."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.tally import Tally, one
from cemnet_jax.topology import FPS

MIN_OVERLAP = 10  # frames that both signals must share at a lag to be compared there
MIN_SPREAD = 1e-4  # of the largest value: a signal that varies less is constant up to rounding


def sync_offset(
    signal: Float[np.ndarray, 'T'], reference: Float[np.ndarray, 'S'], *, fps: float = FPS,
    max_ms: float = 400.) -> tuple[float, float]:
  """Offset in ms at which `signal` fits `reference` best, and the correlation there.

  The correlation is Pearson's over the frames that both share at each whole-frame lag; a parabola
  through the best lag and its two neighbours gives the fraction of a frame. A positive offset
  means that `signal` is late.

  Returns:
    (offset ms, correlation); (nan, nan) where a signal is constant or too short to compare.
  """
  signal, reference = np.asarray(signal, np.float64), np.asarray(reference, np.float64)
  reach = int(np.ceil(max_ms * fps / 1000)) + 1
  lags = np.arange(-reach, reach + 1)
  scores = np.array([_correlation(signal, reference, lag) for lag in lags])
  if not np.isfinite(scores[1:-1]).any():
    return float('nan'), float('nan')
  best = 1 + int(np.nanargmax(scores[1:-1]))
  left, peak, right = scores[best - 1:best + 2]
  curvature = left - 2 * peak + right
  shift = .5 * (left - right) / curvature if np.isfinite(curvature) and curvature < 0 else 0.
  # A flank of the search range can pull the parabola out of the cell it was fitted in.
  return float((lags[best] + np.clip(shift, -.5, .5)) * 1000 / fps), float(peak)


def lip_sync(signal: Float[np.ndarray, 'T'], reference: Float[np.ndarray, 'S']
             ) -> dict[str, Tally]:
  """Tallies of one clip's mouth opening against the real one's: `offset_ms` (|offset|) and
  `gap_correlation` there; nothing counted where `sync_offset` cannot tell."""
  offset, correlation = sync_offset(signal, reference)
  return {'offset_ms': one(abs(offset)), 'gap_correlation': one(correlation)}


def _correlation(signal, reference, lag):
  late, early = max(lag, 0), max(-lag, 0)
  length = min(len(signal) - late, len(reference) - early)
  if length < MIN_OVERLAP:
    return np.nan
  a, b = signal[late:late + length], reference[early:early + length]
  if any(x.std() <= MIN_SPREAD * np.abs(x).max() for x in (a, b)):
    return np.nan
  return np.corrcoef(a, b)[0, 1]
