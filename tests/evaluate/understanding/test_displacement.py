"""Displacement fields of mouths that move in a known way while the head turns and drifts."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cemnet_jax.evaluate.cases import Case
from cemnet_jax.evaluate.understanding import displacement
from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg
from cemnet_jax.topology import CONTENT, EMOTIONS
from tests.infer.tiny_system import drawn_face

SIZE, FRAMES, CALM = 64, 9, 6  # frame CALM shows the mean mouth
MOVE = np.float32([.03, -.02])  # crops of an upright face


def turned(points, frame):
  """The points after the head's motion in a frame; none in frame CALM."""
  angle = .05 * (frame - CALM)
  turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
  return (points - .5) @ turn + .5 + .004 * (frame - CALM)


@pytest.fixture
def clip():
  points, _ = drawn_face(SIZE)
  face = points.astype(np.float64) / SIZE
  opening = np.array([.05, -.05, .03, -.03, .02, -.02, 0, .01, -.01])
  landmarks = []
  for frame in range(FRAMES):
    mine = face.copy()
    mine[CONTENT, 1] += opening[frame]
    landmarks.append(turned(mine, frame))
  shades = [encode_jpeg(np.full((SIZE, SIZE, 3), 20 * f, np.uint8)) for f in range(FRAMES)]
  return {'landmarks': np.array(landmarks, np.float32), 'frames': shades, 'face': face}


@pytest.fixture
def field(clip, monkeypatch):
  clips = SimpleNamespace(table={'emotion': np.array([3, 4]), 'speaker': np.array(['a', 'b'])})
  clips = type('Clips', (), {'table': clips.table, '__getitem__': lambda self, i: clip})()

  def moved(share):
    """A method whose mouth lacks a share of the move, which turns with the head."""
    still = np.repeat(clip['face'][None, CONTENT], FRAMES, 0) - share * MOVE
    mouths = np.stack([turned(mouth, frame) for frame, mouth in enumerate(still)])
    return SimpleNamespace(predict=lambda clip, references: mouths.astype(np.float32)[None])

  monkeypatch.setattr(displacement, 'draw_references', lambda *arguments: None)
  return displacement._field(clips, [moved(1.), moved(.25)], Case(1, 0))


def test_fields_are_free_of_the_head_s_motion(clip, field):
  np.testing.assert_allclose(field.bridged - field.agnostic, np.tile(.75 * MOVE, (57, 1)),
                             atol=1e-5)
  np.testing.assert_allclose(field.true, clip['face'][CONTENT], atol=1e-5)
  assert (field.shown, field.heard, field.speaker) == (3, 4, 'b')
  np.testing.assert_array_equal(field.picture, decode_jpeg(clip['frames'][CALM]))


def test_numbers_of_a_field(field):
  got = displacement.summary(field)
  length = 256 * np.hypot(*MOVE)
  np.testing.assert_allclose(
    [got['moved_px'], got['true_px'], got['left_px'], got['cosine']],
    [.75 * length, length, .25 * length, 1], rtol=1e-3)
  assert (got['reference'], got['speech']) == (EMOTIONS[3], EMOTIONS[4])
  wrong = displacement.summary(field._replace(bridged=2 * field.agnostic - field.bridged))
  np.testing.assert_allclose(wrong['cosine'], -1, rtol=1e-4)
  assert displacement.summary(field._replace(bridged=field.agnostic))['cosine'] == 0


def test_arrows_lead_from_one_mouth_to_the_other(field):
  from matplotlib.figure import Figure
  axis = Figure().add_subplot()
  displacement._arrows(axis, field, field.bridged, 'red')
  quiver, = (c for c in axis.collections if hasattr(c, 'U'))
  np.testing.assert_allclose(quiver.get_offsets(), field.agnostic, atol=1e-6)
  np.testing.assert_allclose(np.stack([quiver.U, quiver.V], 1), np.tile(.75 * MOVE, (57, 1)),
                             atol=1e-5)
  assert axis.yaxis_inverted()


def test_pictures_are_the_same_each_time(field, tmp_path):
  for name in 'ab':
    displacement.draw([field, field], tmp_path / f'{name}.png')
  assert (tmp_path / 'a.png').read_bytes() == (tmp_path / 'b.png').read_bytes()
  assert cv2.imread(str(tmp_path / 'a.png')).std() > 10
