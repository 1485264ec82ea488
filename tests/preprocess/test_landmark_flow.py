"""The flow between two pictures of a face by its landmarks, against scipy's interpolation."""

import cv2
import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from cemnet_jax.preprocess.landmark_flow import TRIANGLES, landmark_flow, mesh_points
from cemnet_jax.preprocess.sketch import inside_mouth
from cemnet_jax.topology import (
  INNER_LIP,
  INNER_LIP_BOTTOM,
  INNER_LIP_TOP,
  LIPS,
  MOUTH_CORNERS,
  OUTER_LIP,
)
from tests.infer.tiny_system import drawn_face

SIZE = 64


def opened(landmarks, gap):
  """The same face with its lips so far apart."""
  points = landmarks.copy()
  ring = np.linspace(0, 2 * np.pi, 20, endpoint=False)
  centre = points[LIPS].mean(axis=0)
  for lips, wide, high in ((INNER_LIP, 0.12, gap / 2), (OUTER_LIP, 0.15, gap / 2 + 0.03)):
    points[lips] = centre + np.stack([-wide * np.cos(ring), -high * np.sin(ring)], -1)
  return points


@pytest.fixture(scope='module')
def face():
  return opened(drawn_face(1)[0].astype(np.float64), 0.08)


def centres(size=SIZE):
  return (np.stack(np.meshgrid(*[np.arange(size)] * 2), -1) + 0.5) / size


def test_triangles_cover_the_crop_but_for_the_mouth_once(face):
  points = mesh_points(face)
  areas = [cv2.contourArea(np.float32(points[t])) for t in [*TRIANGLES, INNER_LIP]]
  assert abs(sum(areas) - 1) < 1e-6
  assert np.isin(LIPS, TRIANGLES).all()


def test_the_same_landmarks_do_not_move(face):
  flow = landmark_flow(face, np.stack([face] * 2), SIZE)
  assert np.abs(flow[..., :2]).max() < 1e-6
  assert (flow[..., 2] == 1).mean() > 0.995  # but for the corners of the mouth


def test_rows_that_are_not_wanted_do_not_change_the_others(face):
  other = np.stack([face + 0.01, opened(face, 0.02)])
  whole, part = landmark_flow(face, other, SIZE), landmark_flow(face, other, SIZE, 41)
  np.testing.assert_array_equal(part[:, 41:], whole[:, 41:])
  assert (part[:, :41] == (0, 0, 1)).all() and np.abs(whole[:, :41, :, :2]).max() > 0.005


def test_teeth_keep_their_size(face):
  """Of a mouth that opens wider the upper part is the reference's own; of one that opens less,
  all of it."""
  middle = face[[INNER_LIP_TOP, INNER_LIP_BOTTOM]].mean(axis=0)
  for gap, least in ((0.16, 0.79), (0.04, 0.99)):
    target, size = opened(face, gap), 256
    flow = landmark_flow(target, face[None], size)[0, ..., :2]
    top, bottom = target[[INNER_LIP_TOP, INNER_LIP_BOTTOM], 1]
    column = int(middle[0] * size)
    inside = slice(int(np.ceil(top * size)) + 1, int(bottom * size) - 1)
    source = centres(size)[inside, column, 1] + flow[inside, column, 1]
    deep, known = centres(size)[inside, column, 1] - top, source - face[INNER_LIP_TOP, 1]
    kept = np.abs(deep - known) < 0.002
    seen = min(gap, 0.08)
    assert kept[deep < least * seen - 0.006].all()
    assert (np.diff(source) > 0).all() and known.max() < 0.08


def test_it_is_scipys_interpolation_on_the_same_triangles(face):
  other = face + np.random.default_rng(0).normal(0, 0.02, face.shape)
  corners = mesh_points(face)
  known = Delaunay(corners[np.unique(TRIANGLES)])
  names = np.unique(TRIANGLES)
  ours = {tuple(sorted(t)) for t in TRIANGLES.tolist()}
  shared = np.array([tuple(sorted(names[t])) in ours for t in known.simplices])
  assert shared.mean() > 0.4  # Delaunay's own for this face, where ours are for an average one
  moved = (mesh_points(other) - corners)[names]
  places = centres(256)
  inside = shared[known.find_simplex(places)]
  got = landmark_flow(face, other[None], 256)[0, ..., :2]
  want = LinearNDInterpolator(known, moved)(places)
  error = np.abs(got - want).max(axis=-1)[inside]
  # A pixel at the edge of a triangle may be drawn by its neighbour, which agrees along the edge.
  assert (error < 1e-6).mean() > 0.75 and np.quantile(error, 0.99) < 0.01


def test_lips_of_an_open_mouth_come_from_those_of_a_closed_one(face):
  """Each landmark is taken where the reference has it; between the lips lies their line."""
  closed = opened(face, 0.0)
  flow, seen = np.split(landmark_flow(face, closed[None], 256)[0], [2], axis=-1)
  at = lambda points: np.floor(points * 256).astype(int)
  for i in (*OUTER_LIP, INNER_LIP_TOP, INNER_LIP_BOTTOM):
    x, y = at(face[i])
    np.testing.assert_allclose(centres(256)[y, x] + flow[y, x], closed[i], atol=0.01)
  x, y = at((face[INNER_LIP_TOP] + face[INNER_LIP_BOTTOM]) / 2)
  source = centres(256)[y, x] + flow[y, x]
  assert abs(source[1] - closed[INNER_LIP_TOP, 1]) < 0.004 and not seen[y, x]
  inside = inside_mouth(face, 256) == 255
  assert seen[inside].mean() < 0.05 and seen[~inside].mean() > 0.999  # but for the mouth's rim


def test_what_is_beside_a_corner_of_the_mouth_moves_with_it(face):
  """Corners go up by a tenth of the crop: the ends of a frown keep their size."""
  frown = face.copy()
  frown[:, 1] += 0.1 * np.isin(np.arange(len(face)), MOUTH_CORNERS)
  flow = landmark_flow(face, frown[None], 256)[0, ..., :2]
  for corner, outwards in zip(MOUTH_CORNERS, (-1, 1)):
    x, y = np.floor((face[corner] + (0.02 * outwards, 0)) * 256).astype(int)
    np.testing.assert_allclose(flow[y, x], frown[corner] - face[corner], atol=0.02)


@pytest.mark.parametrize('gap', [0.0, 1e-4])
def test_lips_that_meet_leave_no_room_to_what_is_between(face, gap):
  """A closed mouth of an open one: no pixel comes from between the reference's lips."""
  closed = opened(face, gap)
  flow = landmark_flow(closed, face[None], 128)[0, ..., :2]
  assert np.isfinite(flow).all() and np.abs(flow).max() < 0.06
  source = centres(128) + flow
  inside = np.abs(source - face[INNER_LIP].mean(axis=0)) < (0.05, 0.02)
  assert not inside.all(axis=-1).any()
