"""Landmarks: their order, what speech and emotion do to them, and the frame they stay in."""

import numpy as np
import pytest

from cemnet_jax.preprocess.synthetic.action_units import NUM_AUS, expression, unit_vector
from cemnet_jax.preprocess.synthetic.geometry import landmarks, project
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks
from cemnet_jax.preprocess.synthetic.phones import VISEMES
from cemnet_jax.topology import EMOTIONS, INNER_LIP_BOTTOM, INNER_LIP_TOP, MESH_IDS, POSE, STABLE

FRONTAL = np.array([[0, 0, 0, 0, 0, 1.]])


def _points(identity, units=None, phone='_', blink=0.):
  au = np.zeros(NUM_AUS) if units is None else units
  points, _ = landmarks(identity, au[None], np.array(VISEMES[phone], float)[None],
                        np.array([blink]))
  return points[0]


def _mesh(points, mesh_id):
  return points[int(np.nonzero(MESH_IDS == mesh_id)[0][0])]


def _gap(points):
  return points[INNER_LIP_BOTTOM, 1] - points[INNER_LIP_TOP, 1]


def test_points_lie_where_the_mesh_has_them():
  """Facts of the MediaPipe mesh: 33-133-362-263 left to right, 152 the chin, and so on."""
  points = _points(make_identity(2))
  x, y = (lambda i: _mesh(points, i)[0]), (lambda i: _mesh(points, i)[1])
  assert x(33) < x(133) < x(362) < x(263)
  assert y(159) < y(145) and y(386) < y(374)
  assert x(61) < x(78) < x(308) < x(291)
  assert y(0) < y(13) < y(14) < y(17) < y(152) > points[:, 1].max() - .05  # no chin is even
  assert x(127) == points[:, 0].min() or x(234) == points[:, 0].min()
  assert x(70) < x(107) < x(336) < x(300) and y(105) < y(52) and y(334) < y(282)
  assert y(168) < y(6) < y(197) < y(195) < y(5) < y(4)
  assert x(48) < x(4) < x(278)


def test_visemes_shape_the_mouth():
  for identity in map(make_identity, range(12)):
    rest, open_, shut, round_, wide = (_points(identity, phone=p) for p in ('_', 'AA', 'M', 'UW',
                                                                            'IY'))
    width = [(p[101] - p[91])[0] for p in (round_, rest, wide)]
    assert width[0] < .85 * width[1] and width[2] > 1.03 * width[1]
    assert _gap(open_) > .28 and _gap(shut) < .01 and _gap(rest) < .02
    assert _mesh(open_, 152)[1] > _mesh(rest, 152)[1] + .2


def test_closed_lips_stay_closed_under_every_emotion():
  """A bilabial closes whatever is felt; only tight parting by strong units may leave a slit."""
  for speaker in range(12):
    identity = make_identity(speaker)
    for emotion in EMOTIONS:
      assert _gap(_points(identity, expression(identity, emotion, 3), 'M')) < .03


def test_lips_never_cross():
  viseme = np.array(list(VISEMES.values()), float)
  for speaker in range(20):
    identity = make_identity(speaker)
    for emotion in EMOTIONS:
      au = np.tile(expression(identity, emotion, 3), (len(viseme), 1))
      points, _ = landmarks(identity, au, viseme, np.zeros(len(viseme)))
      assert (points[:, INNER_LIP_BOTTOM, 1] > points[:, INNER_LIP_TOP, 1]).all()
      assert (points[:, 106, 1] - points[:, 96, 1]).min() > .08  # mesh 17 under mesh 0


def test_emotion_shows_in_the_mouth():
  for speaker in range(12):
    identity = make_identity(speaker)

    def corner(emotion, identity=identity):
      points = _points(identity, expression(identity, emotion, 3), 'EH')
      return points[[91, 101], 1].mean() - points[[INNER_LIP_TOP, INNER_LIP_BOTTOM], 1].mean()
    assert corner('happy') < corner('neutral') - .05
    assert corner('sad') > corner('neutral') + .05


def test_one_sided_contempt_is_one_sided():
  for side, corner in (('R', 91), ('L', 101)):
    points = _points(make_identity(4), unit_vector({'AU12' + side: 1., 'AU14' + side: 1.}))
    rest = _points(make_identity(4))
    moved = np.abs(points - rest)[[91, 101], 1]
    assert moved[[91, 101].index(corner)] > .15 and moved[1 - [91, 101].index(corner)] < .02


def test_stable_points_are_stable():
  """Neither speech nor emotion moves eye corners and nose bridge by more than 1 % of the face."""
  for speaker in range(12):
    identity = make_identity(speaker)
    rest = _points(identity)
    for emotion in EMOTIONS:
      moved = _points(identity, expression(identity, emotion, 3), 'AA', blink=1.)
      assert np.abs(moved - rest)[STABLE, :2].max() < .035


def test_speech_leaves_the_pose_points_alone():
  identity = make_identity(1)
  np.testing.assert_allclose(_points(identity, phone='AA')[POSE], _points(identity)[POSE], atol=.02)


def test_blink_closes_the_eye():
  points = _points(make_identity(0), blink=1.)
  assert abs(_mesh(points, 159)[1] - _mesh(points, 145)[1]) < .06
  open_ = _points(make_identity(0))
  assert _mesh(open_, 145)[1] - _mesh(open_, 159)[1] > .15


def test_projection_scales_with_the_picture():
  points = _points(make_identity(0))[None]
  small, large = (project(points, FRONTAL, size, 14.) for size in (64, 128))
  np.testing.assert_allclose(2 * small, large)


def test_a_turned_head_shows_where_it_looks():
  points, nose = _points(make_identity(0))[None], int(np.nonzero(MESH_IDS == 4)[0][0])
  front = project(points, FRONTAL, 64, 14.)[0, nose]
  yaw, pitch = (project(points, np.array([pose]), 64, 14.)[0, nose] - front
                for pose in ([.3, 0, 0, 0, 0, 1.], [0, .3, 0, 0, 0, 1.]))
  assert yaw[0] > 3  # positive yaw turns the nose to the right
  assert pitch[1] < -3  # positive pitch raises it


def test_a_near_camera_enlarges_the_nose_and_a_far_one_is_parallel():
  points = _points(make_identity(0))[None]
  near, far, parallel = (project(points, FRONTAL, 1, d)[0] for d in (9., 1e6, 1e9))

  def share(p):  # of the nose's width in the face's
    return (_mesh(p, 278)[0] - _mesh(p, 48)[0]) / (_mesh(p, 454)[0] - _mesh(p, 234)[0])
  assert share(near) > 1.05 * share(far)
  np.testing.assert_allclose(far, parallel, atol=1e-5)


@pytest.mark.parametrize('intensity', [1, 3])
def test_no_landmark_ever_leaves_the_picture(intensity):
  phones = [(p, .15 * i, .15 * (i + 1)) for i, p in enumerate('_ AA M AE AW IY AA AA AA'.split())]
  for speaker in range(60):
    identity = make_identity(speaker)
    for emotion in EMOTIONS:
      motion = motion_tracks(phones, 33, emotion, intensity, identity, (speaker,))
      points, _ = landmarks(identity, motion.units(), motion.viseme, motion.blink)
      pixels = project(points, motion.pose, 1, identity.camera.distance)
      assert pixels.min() > .02 and pixels.max() < .97
