"""How far a mouth is open over time, from landmarks, independent of the face's size."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.topology import CONTENT, INNER_LIP_BOTTOM, INNER_LIP_TOP

OUTER_EYE_CORNERS = 59, 83  # mesh 33 and 263
TOP = int(np.nonzero(CONTENT == INNER_LIP_TOP)[0][0])
BOTTOM = int(np.nonzero(CONTENT == INNER_LIP_BOTTOM)[0][0])


def mouth_opening(landmarks: Float[np.ndarray, 'T 131 2']) -> Float[np.ndarray, ' T']:
  """Distance of the inner lips' midpoints as a fraction of the outer eye corners' distance."""
  landmarks = np.asarray(landmarks, np.float64)
  gap = np.linalg.norm(landmarks[:, INNER_LIP_TOP] - landmarks[:, INNER_LIP_BOTTOM], axis=-1)
  right, left = OUTER_EYE_CORNERS
  return gap / np.linalg.norm(landmarks[:, right] - landmarks[:, left], axis=-1)


def content_opening(content: Float[np.ndarray, 'T 57 2']) -> Float[np.ndarray, ' T']:
  """Distance of the inner lips' midpoints in the unit of the 57 content points given."""
  content = np.asarray(content, np.float64)
  return np.linalg.norm(content[:, TOP] - content[:, BOTTOM], axis=-1)
