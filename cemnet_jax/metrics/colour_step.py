"""The seam of a painted face: a step of colour at its edge that the picture did not have."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from cemnet_jax.metrics.oval import face_width, hull_distance
from cemnet_jax.topology import OVAL

# Sides of the crop: paint begins at TOP and is full GAP below it; bands are DEPTH thick.
TOP, GAP, DEPTH = 0.5, 0.05, 0.04
COLUMNS = 6  # pieces of the upper edge
# Widths of the face: bands at the sides, away from the line itself, where masks are half opaque.
INSIDE, OUTSIDE = (0.04, 0.08), (0.08, 0.12)


class Band(NamedTuple):
  """Two regions on both sides of a piece of the edge."""
  inner: Bool[np.ndarray, 'S S']
  outer: Bool[np.ndarray, 'S S']


def edge_bands(landmarks: Float[np.ndarray, '131 2'], size: int) -> list[Band]:
  """Pieces of a painted lower face's edge: COLUMNS along its top, and both sides of the jaw.

  Args:
    landmarks: of the face before it was painted, in the crop, [0, 1].
    size: S of the crop.
  """
  x = np.broadcast_to((np.arange(size) + 0.5) / size, (size, size))
  y = x.T
  width = face_width(landmarks)
  distance = hull_distance(landmarks[OVAL] * size, size, size) / (size * width)
  face = distance < -INSIDE[0]
  between = lambda value, low, high: (value >= low) & (value < high)
  above, below = between(y, TOP - DEPTH, TOP), between(y, TOP + GAP, TOP + GAP + DEPTH)
  columns = x[face & (above | below)]
  bands = []
  if len(columns):
    edges = np.linspace(columns.min(), columns.max() + 1e-9, COLUMNS + 1)
    bands += [Band(face & below & between(x, *edges[i:i + 2]),
                   face & above & between(x, *edges[i:i + 2])) for i in range(COLUMNS)]
  cheeks = between(y, TOP + GAP, TOP + GAP + 4 * DEPTH)  # above the chin, which speech moves
  inner, outer = between(-distance, *INSIDE) & cheeks, between(distance, *OUTSIDE) & cheeks
  middle = landmarks[:, 0].mean()
  bands += [Band(inner & side, outer & side) for side in (x < middle, x >= middle)]
  return [band for band in bands if band.inner.any() and band.outer.any()]


def colour_step(drawn: UInt8[np.ndarray, 'S S 3'], shown: UInt8[np.ndarray, 'S S 3'],
                bands: list[Band]) -> Float[np.ndarray, ' P']:
  """|Change of the step| at each of P pieces, grey levels, mean of the channels.

  A step is the mean colour of the inner band minus that of the outer one; its change is that of
  `drawn` against `shown`, the same picture before it was painted.
  """
  error = drawn.astype(np.float64) - shown
  return np.array([np.abs(error[b.inner].mean(0) - error[b.outer].mean(0)).mean() for b in bands])
