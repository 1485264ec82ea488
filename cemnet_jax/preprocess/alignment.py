"""Dynamic time warping of MFCC tracks: which frames of two clips say the same."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from cemnet_jax.errors import UserError

# Order of preference on ties: diagonal, one more frame of the reference, one more of the other.
_STEPS = ((1, 1), (1, 0), (0, 1))


def dtw_path(
    ref_mfcc: Float[np.ndarray, 'M D'], mfcc: Float[np.ndarray, 'N D'], band: float = 0.3,
) -> Int[np.ndarray, 'P 2']:
  """Cheapest monotone alignment of two tracks under the L1 distance.

  Steps are (1, 1), (1, 0) and (0, 1), weighted alike; the path runs from (0, 0) to (M-1, N-1) and
  stays within `band` (a share of the length, Sakoe-Chiba) of the straight line between them.

  Returns:
    (P, 2) int32 pairs (frame of ref_mfcc, frame of mfcc), both columns non-decreasing.

  Raises:
    UserError: an empty track.
  """
  rows, cols = len(ref_mfcc), len(mfcc)
  if not rows or not cols:
    raise UserError(f'cannot align tracks of {rows} and {cols} frames; both need at least one')
  from librosa.sequence import dtw  # late: it takes seconds to import
  cost = cdist(np.asarray(ref_mfcc, np.float64), np.asarray(mfcc, np.float64), 'cityblock')
  cost[~_band_mask(rows, cols, band)] = np.inf
  _, path = dtw(C=cost, step_sizes_sigma=np.array(_STEPS))
  return path[::-1].astype(np.int32)


def path_costs(
    cost: Float[np.ndarray, 'M N K'], band: float = 0.3,
) -> Float[np.ndarray, ' K']:
  """Cost of the path that `dtw_path` would find through each of K cost matrices, in one pass.

  Args:
    cost: [m, n, k] of frame m of one track with frame n of another; K last, because neighbours in
      memory are added together.

  Returns:
    Total cost of each path by the frames of the longer track, at least which a path has.
  """
  rows, cols = cost.shape[:2]
  return _accumulate(cost, band)[-1, -1] / max(rows, cols)


def warp_to(
    path: Int[np.ndarray, 'P 2'], mfcc: Float[np.ndarray, 'N D'], length: int,
) -> Float[np.ndarray, 'M D']:
  """The track re-timed to the reference: frame m is the mean of the frames that map to m.

  Args:
    path: of `dtw_path`; its first column names every frame 0 to length - 1.
    length: frames of the reference, M.
  """
  ref, other = np.asarray(path).T
  starts = np.searchsorted(ref, np.arange(length))
  counts = np.diff(np.append(starts, len(ref)))
  if np.any(counts == 0) or ref[-1] >= length:
    raise ValueError(f'the path does not cover exactly the reference frames 0 to {length - 1}')
  totals = np.add.reduceat(np.asarray(mfcc, np.float64)[other], starts, axis=0)
  return (totals / counts[:, None]).astype(np.float32)


def _band_mask(rows, cols, band):
  """Cells near the line; never narrower than one cell, so a path always exists."""
  i, j = np.arange(rows)[:, None], np.arange(cols)[None, :]
  off_line = np.abs(i * (cols - 1) - j * (rows - 1))
  return off_line <= max(band * (rows - 1) * (cols - 1), rows - 1, cols - 1)


def _accumulate(cost, band):
  """Total cost (M, N, K) of the best path to each cell, one anti-diagonal of all K at a time.

  Calling librosa for each of K took 6 to 25 times as long, at K of 100 to 1000.
  """
  rows, cols, count = cost.shape
  cost = np.where(_band_mask(rows, cols, band)[..., None], cost, cost.dtype.type(np.inf))
  total = np.full((rows + 1, cols + 1, count), np.inf, cost.dtype)  # inf on the top and left
  total[1, 1] = cost[0, 0]
  flat, flat_cost, width = total.reshape(-1, count), cost.reshape(-1, count), cols + 1
  for diagonal in range(1, rows + cols - 1):
    low, high = max(0, diagonal - cols + 1), min(rows - 1, diagonal)
    steps = high - low
    # Cell (i, diagonal - i) is flat[(i + 1) * width + diagonal - i + 1]: stride width - 1 = cols.
    here = (low + 1) * width + diagonal - low + 1
    above, left, corner, target = (
      flat[here - back:here - back + steps * cols + 1:cols] for back in (width, 1, width + 1, 0))
    best = np.minimum(np.minimum(above, left), corner)
    first, stride = low * cols + diagonal - low, max(1, cols - 1)
    best += flat_cost[first:first + steps * stride + 1:stride]
    target[:] = best
  return total[1:, 1:]
