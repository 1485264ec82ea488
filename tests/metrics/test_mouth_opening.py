import numpy as np
import pytest

from cemnet_jax.metrics.mouth_opening import content_opening, mouth_opening
from cemnet_jax.topology import CONTENT, MESH_IDS


def face(gap):
  """Landmarks that are zero but for the outer eye corners and the inner lips' midpoints."""
  landmarks = np.zeros((len(gap), 131, 2))
  at = {int(m): i for i, m in reversed(list(enumerate(MESH_IDS)))}
  landmarks[:, at[33]], landmarks[:, at[263]] = (.2, .3), (.6, .3)
  landmarks[:, at[13]] = (.4, .7)
  landmarks[:, at[14], 0] = .4
  landmarks[:, at[14], 1] = .7 + np.asarray(gap)
  return landmarks


def test_opening_is_relative_to_the_eyes():
  gap = np.array([0, .1, .2])
  np.testing.assert_allclose(mouth_opening(face(gap)), gap / .4)
  np.testing.assert_allclose(mouth_opening(face(gap) * 3 + 1), gap / .4)
  assert content_opening(face(gap)[:, CONTENT]) == pytest.approx(gap)
