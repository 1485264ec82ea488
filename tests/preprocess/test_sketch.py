"""Sketches against lines drawn point by point."""

import numpy as np
import pytest

from cemnet_jax.preprocess.sketch import (
  LINE_GREY,
  MOUTH_GREY,
  draw_sketch,
  draw_sketches,
  inside_mouth,
  iplap_sketch,
)
from cemnet_jax.topology import EDGES, INNER_LIP, MOUTH_CORNERS


def face(seed=0):
  return np.random.default_rng(seed).uniform(0.1, 0.9, (131, 2))


def coverage(landmarks, size, reach):
  """Pixels whose centre is within `reach` px of an edge, from the distance to each segment."""
  centres = np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), -1)
  near = np.zeros((size, size), bool)
  for i, j in EDGES:
    a, b = landmarks[i] * size, landmarks[j] * size
    along = np.clip(((centres - a) @ (b - a)) / max((b - a) @ (b - a), 1e-9), 0, 1)
    near |= np.linalg.norm(centres - (a + along[..., None] * (b - a)), axis=-1) < reach
  return near


@pytest.mark.parametrize('size', [32, 128])
def test_lines_lie_on_the_edges(size):
  landmarks = np.full((131, 2), 0.5)
  landmarks[MOUTH_CORNERS] = [[0.2, 0.7], [0.8, 0.75]]
  sketch = draw_sketch(landmarks, size)
  assert sketch.dtype == np.uint8 and sketch.shape == (size, size)
  assert sketch.max() == LINE_GREY
  assert (sketch[coverage(landmarks, size, 0.4)] > LINE_GREY * 0.4).all()
  assert (sketch[~coverage(landmarks, size, 2.2)] == 0).all()


def test_inside_of_the_mouth_is_the_ring_of_its_inner_lips():
  landmarks, size = np.zeros((131, 2)), 40
  angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
  landmarks[INNER_LIP] = np.stack([0.5 + 0.3 * np.cos(angle), 0.6 + 0.2 * np.sin(angle)], -1)
  mask = inside_mouth(landmarks, size)
  x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2)
  radius = np.hypot((x - 0.5) / 0.3, (y - 0.6) / 0.2)
  assert mask.shape == (size, size) and mask.dtype == np.uint8
  assert (mask[radius < 0.85] == 255).all() and (mask[radius > 1.15] == 0).all()
  landmarks[INNER_LIP, 1] = 0.6
  assert inside_mouth(landmarks, size).sum() < 0.5 * 255 * 0.6 * size, 'closed lips: half a pixel'


def test_filled_sketches_are_lines_and_a_grey_mouth():
  landmarks, size = np.full((131, 2), 0.02), 40
  angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
  landmarks[INNER_LIP] = np.stack([0.5 + 0.3 * np.cos(angle), 0.6 + 0.2 * np.sin(angle)], -1)
  plain, filled = (draw_sketch(landmarks, size, which) for which in (False, True))
  inside = inside_mouth(landmarks, size)
  np.testing.assert_array_equal(filled[inside == 0], plain[inside == 0])
  whole = inside == 255
  np.testing.assert_array_equal(filled[whole], np.maximum(plain[whole], MOUTH_GREY))
  assert (filled[whole] == MOUTH_GREY).mean() > .3
  np.testing.assert_array_equal(draw_sketches(landmarks[None], size, True)[0], filled)


def test_moves_by_less_than_a_pixel():
  landmarks = face()
  still, moved = draw_sketch(landmarks, 64), draw_sketch(landmarks + [0.5 / 64, 0], 64)
  assert (still != moved).any()
  np.testing.assert_array_equal(draw_sketch(landmarks + [1 / 64, 0], 64)[:, 1:-1],
                                still[:, :-2])


def test_iplap_lines_have_one_colour():
  sketch = iplap_sketch(face(), 64, np.float32([10, 20, 90, 100]))
  assert set(np.unique(sketch)) == {0, LINE_GREY}


def test_iplap_draws_before_it_squeezes():
  square, tall = (iplap_sketch(face(), 64, np.float32([0, 0, 80, h])) for h in (80, 120))
  assert tall.shape == (64, 64) and len(np.unique(tall)) > 2
  seen = [np.argwhere(sketch).mean(axis=0) for sketch in (square, tall)]
  np.testing.assert_allclose(*seen, atol=1.0)  # the same lines, but for their width


def test_outside_of_the_crop_is_clipped():
  sketch = draw_sketch(face() * 4 - 1.5, 32)
  assert sketch.shape == (32, 32)


def test_sketches_of_a_clip():
  clip = np.stack([face(0), face(1)])
  np.testing.assert_array_equal(draw_sketches(clip, 32)[1], draw_sketch(clip[1], 32))
