"""The constant error on a person is found in the person's own frame and taken off."""

import numpy as np
import pytest

from cemnet_jax.infer import calibration, forward
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Options
from cemnet_jax.preprocess.stable_frame import align, into_picture
from cemnet_jax.topology import (
  CONTENT,
  INNER_LIP,
  INNER_LIP_BOTTOM,
  INNER_LIP_TOP,
  JAW,
  LIPS,
  OUTER_LIP,
  POSE,
)
from tests.infer.tiny_system import drawn_face


@pytest.fixture(autouse=True)
def certain(monkeypatch):
  """Offsets are taken as they are found."""
  monkeypatch.setattr(calibration, 'JAW_DOUBT', 0.0)
  monkeypatch.setattr(calibration, 'LIP_TRUST', 1.0)


def turned(points, angle, scale, shift):
  """Faces after a similarity of the picture."""
  matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
  return points @ matrix.T + shift


@pytest.fixture(scope='module')
def face():
  points = drawn_face(1)[0].astype(np.float64)
  points[INNER_LIP, 1] = points[INNER_LIP, 1].mean()  # closed
  return points


@pytest.fixture(scope='module')
def known(face):
  return posed(face)


@pytest.fixture(scope='module')
def predicted(face):
  """A jaw and lips that are elsewhere, and lips that never close."""
  wrong = face.copy()
  wrong[CONTENT] += np.random.default_rng(0).normal(0, 0.02, (57, 2))
  wrong[INNER_LIP_BOTTOM, 1] = wrong[INNER_LIP_TOP, 1] + 0.03
  return posed(wrong)


def posed(face):
  return np.stack([turned(face, 0.02 * i, 1 + 0.02 * i, [0.01 * i, 0]) for i in range(9)])


def test_a_constant_error_is_taken_off_in_any_pose(known, predicted):
  found = calibration.measure(predicted, known)
  got = calibration.apply(found, predicted, known)
  np.testing.assert_allclose(got, known, atol=1e-9)
  np.testing.assert_array_equal(got[:, POSE], predicted[:, POSE])


def test_small_offsets_are_doubted(known, predicted, monkeypatch):
  whole = calibration.measure(predicted, known).offset
  monkeypatch.setattr(calibration, 'JAW_DOUBT', 0.02)
  monkeypatch.setattr(calibration, 'LIP_TRUST', 0.25)
  doubted = calibration.measure(predicted, known).offset
  size = np.square(whole[:17]).sum(axis=1).mean()
  np.testing.assert_allclose(doubted[:17], whole[:17] * size / (size + 0.0004), atol=1e-12)
  np.testing.assert_allclose(doubted[17:], whole[17:] / 4, atol=1e-12)


def test_pictures_tell_a_jaw_and_of_lips_how_they_rest(known, predicted):
  offset = calibration.measure(predicted, known, lips=False).offset
  assert not offset[17:, 0].any()
  gap = np.quantile(calibration._gap(align(predicted)), calibration.REST)
  np.testing.assert_allclose(offset[17:, 1], gap * calibration.OPENING[17:], atol=1e-9)
  np.testing.assert_array_equal(offset[:17], calibration.measure(predicted, known).offset[:17])


def test_lips_that_close_by_themselves_do_not_cross(known, predicted):
  found = calibration.measure(predicted, known, lips=False)
  closing = predicted.copy()
  closing[4, INNER_LIP_BOTTOM] = closing[4, INNER_LIP_TOP]
  gap = calibration._gap(align(calibration.apply(found, closing, known)))
  assert gap.min() > -2e-3, 'what aligning twice leaves'
  assert calibration._gap(align(calibration.take_off(found, closing)))[4] < -.02


def test_a_frame_that_fails_does_not_matter(known, predicted):
  spoilt = predicted.copy()
  spoilt[3, CONTENT] += 0.5
  np.testing.assert_allclose(calibration.measure(spoilt, known).offset,
                             calibration.measure(predicted, known).offset, atol=1e-9)


def test_lips_are_closed_but_never_opened(face, known, predicted):
  smiling = face.copy()
  smiling[INNER_LIP_BOTTOM, 1] += 0.05
  smiling[OUTER_LIP, 0] += 0.01
  found = calibration.measure(known, posed(smiling))
  got = align(calibration.apply(found, known, posed(smiling)))
  gap = got[:, INNER_LIP_BOTTOM, 1] - got[:, INNER_LIP_TOP, 1]
  np.testing.assert_allclose(gap, 0, atol=1e-9)
  moved = got[:, OUTER_LIP, 0] - align(known)[:, OUTER_LIP, 0]
  np.testing.assert_allclose(moved, 0.01, rtol=0.5)


def test_the_jaw_does_not_say_what_the_canvas_says(face, known, predicted):
  """A canvas whose mouth opens gives the same jaw as one with closed lips."""
  found = calibration.measure(predicted, known)
  speaking = known.copy()
  way = np.linspace(0, 0.05, 9)[:, None] * calibration.OPENING
  speaking[:, CONTENT] += into_picture(np.stack([np.zeros_like(way), way], -1), known)
  got, want = (calibration.apply(found, predicted, canvas) for canvas in (speaking, known))
  np.testing.assert_allclose(got, want, atol=1e-3)
  assert np.abs(speaking - known)[:, JAW].max() > 0.02


def test_lips_and_chin_move_as_predicted_and_the_jaw_beside_the_ears_rests(known, predicted):
  found = calibration.measure(predicted, known)
  opened = predicted.copy()
  opened[:, JAW, 1] += 0.05
  opened[:, LIPS, 1] += 0.03
  moved = (calibration.apply(found, opened, known) - known)[..., 1]
  np.testing.assert_allclose(moved[:, LIPS], 0.03, atol=1e-9)
  np.testing.assert_allclose(moved[:, JAW[8]], 0.05, atol=1e-9)
  assert moved[:, JAW[[0, 16]]].max() < 0.004
  assert (np.diff(moved[:, JAW[:9]], axis=1) > 0).all()


@pytest.mark.parametrize('moving, sound', [(False, False), (True, False), (True, True)])
def test_a_talker_says_its_references_as_they_are(talker, speech, moving, sound, monkeypatch):
  """A system that is wrong by a constant alone: what is left of it is nothing."""
  count = 25 if moving else 2
  faces = [drawn_face(96, 0.002 * i) for i in range(count)]
  references = refs.from_arrays(
    [f[1] for f in faces], np.stack([f[0] for f in faces]), moving=moving,
    audio=speech if sound else None)

  def wrong(nets, motion, frame, cues):
    centre, step = np.asarray(frame.centre)[:, :, None], np.asarray(frame.scale_rot)[:, :, None]
    inverse = step * [1, -1] / np.square(step).sum(-1, keepdims=True)
    own = drawn_face(1)[0] - [0.4, 0.4]
    own[INNER_LIP_BOTTOM, 1] += 0.03  # its lips are too far apart
    own = own[CONTENT]
    turn = lambda a, b: np.stack([a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1],
                                  a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], -1)
    return centre + turn(inverse, own[None, None])

  monkeypatch.setattr(forward, 'mouths', wrong)
  options = Options(memory=False)
  off = talker.plan(references, speech, options=options._replace(calibrate=False))
  on = talker.plan(references, speech, options=options)
  real = refs.crop_landmarks(references)[on.shot.shown]
  assert np.abs(off.landmarks - real).max() > 0.05
  if sound:
    np.testing.assert_allclose(on.landmarks[:, LIPS], real[:, LIPS], atol=2e-3)
  else:  # pictures tell nothing of them but how they rest
    np.testing.assert_allclose(on.landmarks[:, LIPS, 0], off.landmarks[:, LIPS, 0], atol=2e-3)
    gaps = [calibration._gap(align(points)) for points in (on.landmarks, real)]
    np.testing.assert_allclose(*gaps, atol=2e-3)
  np.testing.assert_allclose(on.landmarks[:, JAW], real[:, JAW], atol=0.011)  # as if lips closed


def test_own_sound_and_silence_calibrate_unlike(talker, speech):
  faces = [drawn_face(96, 0.002 * i) for i in range(25)]
  make = lambda audio: refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]),
                                        moving=True, audio=audio)
  said, silent = (talker.plan(make(audio), speech).landmarks for audio in (speech, None))
  assert np.abs(said - silent)[:, LIPS].max() > 1e-4
