"""SyncNet's LSE-C and LSE-D from the embeddings of lips and audio (syncnet_python, spec §9.1)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.tally import Tally, one

REACH = 15  # blocks, 0.6 s: syncnet_python's vshift
EPSILON = 1e-6  # torch's pairwise_distance adds it to every difference


class SyncScores(NamedTuple):
  """LSE-C (confidence, higher is better), LSE-D (distance, lower is better), offset in blocks."""
  lse_c: float
  lse_d: float
  offset: float


def sync_scores(lip: Float[np.ndarray, 'V D'], audio: Float[np.ndarray, 'V D'],
                reach: int = REACH) -> SyncScores:
  """Scores one clip; block v of both inputs starts at video frame v (25 fps).

  The audio is padded with `reach` zero blocks at either end. The distance at each of the
  2 reach + 1 shifts is the mean over all lip blocks; LSE-D is the smallest of them, LSE-C their
  median less that. A positive offset means that the lips are late.

  Returns:
    All nan for clips of `reach` blocks or fewer: at the outermost shifts no lip block would meet
    any audio, so that the median would be that of the padding.
  """
  blocks = len(lip)
  if blocks != len(audio):
    raise ValueError(f'{blocks} blocks of lips, {len(audio)} of audio')
  if blocks <= reach:
    return SyncScores(np.nan, np.nan, np.nan)
  lip = np.asarray(lip, np.float64)
  padded = np.pad(np.asarray(audio, np.float64), ((reach, reach), (0, 0)))
  # One shift at a time: all at once would hold 31 copies of the clip.
  distances = np.array([
    np.linalg.norm(lip - padded[start:start + blocks] + EPSILON, axis=-1).mean()
    for start in range(2 * reach + 1)])
  nearest = distances.min()
  return SyncScores(float(np.median(distances) - nearest), float(nearest),
                    float(reach - distances.argmin()))


def lse(lip: Float[np.ndarray, 'V D'], audio: Float[np.ndarray, 'V D'],
        reach: int = REACH) -> dict[str, Tally]:
  """Tallies of one clip: `lse_c`, `lse_d` and `sync_offset` (|offset| in blocks of 40 ms)."""
  scores = sync_scores(lip, audio, reach)
  return {'lse_c': one(scores.lse_c), 'lse_d': one(scores.lse_d),
          'sync_offset': one(abs(scores.offset))}
