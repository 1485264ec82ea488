"""By how many milliseconds one mouth-opening signal lags another, finer than a frame."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.tally import Tally, one
from cemnet_jax.topology import FPS

MIN_OVERLAP = 10  # frames that both signals must share at a lag to be compared there
MIN_SPREAD = 1e-4  # of the largest value: a signal that varies less is constant up to rounding


def sync_offset(
    signal: Float[np.ndarray, '*N T'], reference: Float[np.ndarray, ' S'], *, fps: float = FPS,
    max_ms: float = 400.) -> tuple[Float[np.ndarray, '*N'], Float[np.ndarray, '*N']]:
  """Offset in ms at which `signal` fits `reference` best, and the correlation there.

  The correlation is Pearson's over the frames that both share at each whole-frame lag; a parabola
  through the best lag and its two neighbours gives the fraction of a frame. A positive offset
  means that `signal` is late.

  Returns:
    (offset ms, correlation) of each of several signals, or of the one; (nan, nan) where one is
    constant or too short to compare.
  """
  signal, reference = np.asarray(signal, np.float64), np.asarray(reference, np.float64)
  reach = int(np.ceil(max_ms * fps / 1000)) + 1
  lags = np.arange(-reach, reach + 1)
  scores = np.stack([_correlation(signal, reference, lag) for lag in lags], -1)
  found = [_peak(row, lags) for row in scores.reshape(-1, len(lags))]
  offset, correlation = (np.reshape(x, scores.shape[:-1]) for x in zip(*found))
  return (offset * 1000 / fps)[()], correlation[()]  # scalars of one signal


def _peak(scores, lags) -> tuple[float, float]:
  """(lag in frames, score) where the scores are highest."""
  if not np.isfinite(scores[1:-1]).any():
    return float('nan'), float('nan')
  best = 1 + int(np.nanargmax(scores[1:-1]))
  left, peak, right = scores[best - 1:best + 2]
  curvature = left - 2 * peak + right
  shift = .5 * (left - right) / curvature if np.isfinite(curvature) and curvature < 0 else 0.
  # A flank of the search range can pull the parabola out of the cell it was fitted in.
  return float(lags[best] + np.clip(shift, -.5, .5)), float(peak)


def lip_sync(signals: Float[np.ndarray, 'N T'], reference: Float[np.ndarray, ' S']
             ) -> list[dict[str, Tally]]:
  """Tallies of one clip's mouth openings against the real one's: `offset_ms` (|offset|) and
  `gap_correlation` there; nothing counted where `sync_offset` cannot tell."""
  return [{'offset_ms': one(abs(offset)), 'gap_correlation': one(correlation)}
          for offset, correlation in zip(*sync_offset(signals, reference), strict=True)]


def _correlation(signal, reference, lag) -> Float[np.ndarray, '*N']:
  """Pearson's, of each signal; nan where one is too short or constant up to rounding."""
  late, early = max(lag, 0), max(-lag, 0)
  length = min(signal.shape[-1] - late, len(reference) - early)
  if length < MIN_OVERLAP:
    return np.full(signal.shape[:-1], np.nan)
  parts = signal[..., late:late + length], reference[early:early + length]
  a, b = (x - x.mean(-1, keepdims=True) for x in parts)
  spread = [np.sqrt((x * x).mean(-1)) for x in (a, b)]
  moving = [s > MIN_SPREAD * np.abs(x).max(-1) for s, x in zip(spread, parts)]
  both = np.logical_and(*moving)
  product = np.where(both, spread[0] * spread[1], 1)
  return np.where(both, np.clip((a * b).mean(-1) / product, -1, 1), np.nan)
