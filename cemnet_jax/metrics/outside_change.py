"""How much pictures change where nothing should be painted: outside the face."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8


class OutsideChange(NamedTuple):
  """Absolute change of the pixels of a region in each of T frames, grey levels."""
  mean: Float[np.ndarray, ' T']
  high: Float[np.ndarray, ' T']  # 99th percentile: a small smear hardly moves the mean


def outside_change(drawn: UInt8[np.ndarray, 'T H W 3'], shown: UInt8[np.ndarray, 'T H W 3'],
                   regions: Bool[np.ndarray, 'T H W']) -> OutsideChange:
  """Mean and 99th percentile of |drawn - shown| over each frame's region, mean of the channels.

  Frames must be compared before they are encoded: H.264 alone changes every pixel by a level or
  so. NaN where a region is empty.

  Args:
    drawn: frames in which a face was painted.
    shown: the same frames before that.
    regions: pixels that count, say `oval.beside_face`.
  """
  found = [_one(*frames) for frames in zip(drawn, shown, regions, strict=True)]
  return OutsideChange(*np.array(found).reshape(-1, 2).T)


def _one(drawn, shown, region):
  change = np.abs(drawn[region].astype(np.int16) - shown[region]).mean(axis=-1)
  return (change.mean(), np.percentile(change, 99)) if len(change) else (np.nan, np.nan)
