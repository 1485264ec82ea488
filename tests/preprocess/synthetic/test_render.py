"""Frames: reproducible, of one content at any size, and drawn where the landmarks are."""

import hashlib

import cv2
import numpy as np

from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks, still_motion
from cemnet_jax.preprocess.synthetic.phones import VISEMES
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.topology import INNER_LIP, LEFT_EYE, RIGHT_EYE

PHONES = [(p, .08 * i, .08 * (i + 1)) for i, p in enumerate('_ AA M IY F UW AE _'.split())]


def _motion(speaker, emotion='happy'):
  return motion_tracks(PHONES, 16, emotion, 3, make_identity(speaker), (0, 2))


def test_landmarks_are_pinned():
  """Landmarks are rounded to 1/64 px, so their bytes do not depend on the machine."""
  digest = hashlib.sha256()
  for speaker, emotion in ((0, 'happy'), (1, 'angry'), (6, 'contempt')):
    points = FaceRenderer(make_identity(speaker), 64).landmarks_px(_motion(speaker, emotion))
    steps = points * 64
    np.testing.assert_array_equal(steps, np.round(steps))
    digest.update(steps.astype('<i4').tobytes())
  assert digest.hexdigest()[:16] == 'b23b2a3a4bdbc1f5'


def test_frames_repeat_and_carry_the_same_landmarks():
  motion = _motion(2, 'sad')
  first, points = FaceRenderer(make_identity(2), 64, 2).frames(motion)
  again, _ = FaceRenderer(make_identity(2), 64, 2).frames(motion)
  assert first.shape == (16, 64, 64, 3) and first.dtype == np.uint8
  np.testing.assert_array_equal(first, again)
  np.testing.assert_array_equal(points,
                                FaceRenderer(make_identity(2), 64).landmarks_px(motion))


def test_frames_can_be_made_one_by_one():
  motion = _motion(4)
  renderer = FaceRenderer(make_identity(4), 64)
  together, _ = renderer.frames(motion)
  np.testing.assert_array_equal(renderer.frames(motion.take(slice(5, 7)))[0], together[5:7])


def test_the_picture_is_the_same_at_any_size():
  motion = _motion(5, 'surprised')
  large, points = FaceRenderer(make_identity(5), 256).frames(motion)
  small, small_points = FaceRenderer(make_identity(5), 64, 2).frames(motion)
  np.testing.assert_allclose(points / 4, small_points, atol=1 / 64)
  shrunk = np.stack([cv2.resize(f, (64, 64), interpolation=cv2.INTER_AREA) for f in large])
  difference = np.abs(shrunk.astype(float) - small)
  assert difference.mean() < 1.5 and np.quantile(difference, .99) < 12


def test_the_open_mouth_is_dark_inside_its_landmarks():
  viseme = np.array([VISEMES['AA'], VISEMES['M']], float)
  for speaker in range(4):
    frames, points = FaceRenderer(make_identity(speaker), 128).frames(
      still_motion(np.zeros((2, 20)), viseme))
    inside = np.zeros((128, 128), np.uint8)
    cv2.fillPoly(inside, [np.round(points[0, INNER_LIP]).astype(np.int32)], 1)
    brightness = frames.astype(float).mean(-1)[:, inside > 0]
    assert np.quantile(brightness[0], .2) < 60 < np.quantile(brightness[1], .2) + 25


def test_eye_whites_lie_within_the_eyes():
  frames, points = FaceRenderer(make_identity(6), 128, 2).frames(
    still_motion(np.zeros((1, 20)), np.array([VISEMES['_']], float)))
  for eye in (RIGHT_EYE, LEFT_EYE):
    ring = points[0, eye]
    x, y = np.round(ring.mean(0)).astype(int)
    low, high = np.floor(ring.min(0)).astype(int), np.ceil(ring.max(0)).astype(int)
    window = frames[0, low[1]:high[1], low[0]:high[0]].astype(float).mean(-1)
    assert frames[0, y, x].mean() < 90  # the pupil
    assert window.max() > 170  # the white
