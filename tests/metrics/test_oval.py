import numpy as np
import pytest
from scipy.spatial import ConvexHull

from cemnet_jax.metrics import oval
from cemnet_jax.topology import LIPS, OVAL


def face(centre=(.5, .45), radii=(.3, .4)):
  """Landmarks whose oval is an ellipse without its top, like a face's without the forehead."""
  points = np.full((131, 2), centre, np.float64)
  angles = np.linspace(np.pi * 1.15, -np.pi * .15, len(OVAL))
  points[OVAL] = np.stack([np.cos(angles), np.sin(angles)], 1) * radii + centre
  return points


def distance_to_hull(points, height, width, group=OVAL):
  """Brute force in float64: point to segment for every pixel's centre, sign by half planes."""
  hull = ConvexHull(points[group])
  corners = points[group][hull.vertices]
  y, x = np.mgrid[:height, :width] + .5
  at = np.stack([x, y], -1)[..., None, :]
  a, b = corners, np.roll(corners, -1, axis=0)
  along = np.clip(((at - a) * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0, 1)
  away = np.linalg.norm(at - (a + along[..., None] * (b - a)), axis=-1).min(-1)
  inside = (at @ hull.equations[:, :2].T + hull.equations[:, 2] <= 0)[..., 0, :].all(-1)
  return np.where(inside, -away, away)


@pytest.mark.parametrize('shape', [(90, 120), (64, 64)])
def test_distance_is_that_to_the_hull(shape):
  points = face() * shape[::-1]
  found, true = oval.hull_distance(points[OVAL], *shape), distance_to_hull(points, *shape)
  assert np.abs(found - true).max() < .8
  far = np.abs(true) > 1
  assert (np.sign(found) == np.sign(true))[far].all() and far.mean() > .9


def test_regions_part_the_lower_half_but_for_a_rim():
  size, points = 100, face()
  inner, outer = oval.lower_face(points, size), oval.beside_face(points, size)
  assert not inner[:50].any() and not outer[:50].any() and not (inner & outer).any()
  true = distance_to_hull(points * size, size, size)[50:]
  rim = oval.GROW * size * np.ptp(points[OVAL, 0])
  clear = lambda line: np.abs(true - line) > .8
  np.testing.assert_array_equal(inner[50:][clear(0)], (true < 0)[clear(0)])
  np.testing.assert_array_equal(outer[50:][clear(rim)], (true > rim)[clear(rim)])


def test_the_mouth_is_the_lips_and_a_rim():
  points = face()
  points[LIPS] = np.random.default_rng(0).uniform((.4, .6), (.6, .7), (len(LIPS), 2))
  true = distance_to_hull(points * 100, 100, 100, LIPS) - oval.MOUTH_GROW * 100 * .6
  sure = np.abs(true) > .9
  np.testing.assert_array_equal(oval.mouth(points, 100)[sure], (true < 0)[sure])
