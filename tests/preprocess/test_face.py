"""Faces through a video: the model file, one face among several, gaps and cuts."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, video
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.topology import LEFT_EYE, LIPS, RIGHT_EYE

FACE = np.random.default_rng(0).uniform(0, 50, (131, 2)).astype(np.float32)
MODEL = os.environ.get(face.MODEL_VARIABLE)
MEDIA = os.environ.get('CEMNET_REAL_MEDIA')  # folder with portraits/ and clips/


def _track(*steps):
  """Fake frames whose detection is known: each step is a list of faces."""
  frames = [np.full((4, 4, 3), i, np.uint8) for i in range(len(steps))]
  return face.video_landmarks(
    frames, lambda rgb: np.float32(steps[rgb[0, 0, 0]]).reshape(-1, 131, 2)).landmarks


def test_largest_face_then_the_same_person():
  small, large = FACE, FACE * 2 + 200
  got = _track([small, large], [large + 3, small * 5], [large + 6])
  np.testing.assert_allclose(got, [large, large + 3, large + 6])


def test_short_gaps_are_bridged_long_ones_stay():
  got = _track([FACE], [], [], [FACE + 9], [], [], [], [], [FACE])
  np.testing.assert_allclose(got[1], FACE + 3, rtol=1e-5)
  np.testing.assert_allclose(got[2], FACE + 6, rtol=1e-5)
  assert np.isnan(got[4:8]).all()
  assert face.steady_runs(got) == [(0, 4), (8, 9)]


def test_a_cut_ends_a_run():
  assert face.steady_runs(np.stack([FACE, FACE + 1, FACE + 300, FACE + 301])) == [(0, 2), (2, 4)]


def test_another_shot_ends_a_run_and_no_gap_is_bridged_over_it():
  frames = [np.full((4, 4, 3), shade, np.uint8) for shade in (0, 1, 2, 200, 201, 202)]
  found = {0: FACE, 1: FACE, 200: FACE + 1, 201: FACE, 202: FACE}
  detect = lambda rgb: np.float32([found[i] for i in [rgb[0, 0, 0]] if i in found]
                                  ).reshape(-1, 131, 2)
  landmarks, cuts = face.video_landmarks(frames, detect)
  np.testing.assert_array_equal(cuts, [0, 0, 0, 1, 0, 0])
  assert np.isnan(landmarks[2]).all()
  assert face.steady_runs(landmarks, cuts) == [(0, 2), (3, 6)]
  assert face.steady_runs(np.stack([FACE] * 6), cuts) == [(0, 3), (3, 6)]


def test_picture_without_a_face_is_named():
  with pytest.raises(UserError, match='sky.png: no face found'):
    face.picture_landmarks(np.zeros((4, 4, 3), np.uint8),
                           lambda _: np.zeros((0, 131, 2), np.float32), 'sky.png')


def test_landmarker_is_given_found_or_downloaded_once(tmp_path, monkeypatch):
  data, calls = b'a model', []

  def fetch(url, timeout):
    calls.append(url)
    return io.BytesIO(data)
  monkeypatch.setattr(face.urllib.request, 'urlopen', fetch)
  monkeypatch.delenv(face.MODEL_VARIABLE, raising=False)
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  with pytest.raises(UserError, match='another sha256'):
    face.find_landmarker()
  assert list((tmp_path / 'cemnet_jax').iterdir()) == []
  monkeypatch.setattr(face, 'MODEL_SHA256', hashlib.sha256(data).hexdigest())
  first = face.find_landmarker()
  assert first.read_bytes() == data and face.find_landmarker() == first and len(calls) == 2
  monkeypatch.setenv(face.MODEL_VARIABLE, str(tmp_path / 'mine.task'))
  with pytest.raises(UserError, match='mine.task: no such landmarker'):
    face.find_landmarker()


def test_no_network_says_what_to_do(tmp_path, monkeypatch):
  def fetch(url, timeout):
    raise face.URLError('unreachable')
  monkeypatch.setattr(face.urllib.request, 'urlopen', fetch)
  monkeypatch.delenv(face.MODEL_VARIABLE, raising=False)
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  with pytest.raises(UserError, match='give it by --landmarker'):
    face.find_landmarker()


def test_unusable_model_file(tmp_path):
  pytest.importorskip('mediapipe.tasks.python.vision', exc_type=(ImportError, OSError))
  (tmp_path / 'bad.task').write_bytes(b'nonsense')
  with pytest.raises(UserError, match='bad.task: not a usable face landmarker'):
    with face.landmarker(tmp_path / 'bad.task'):
      pass


@pytest.mark.skipif(not MODEL, reason='needs $CEMNET_LANDMARKER')
def test_blendshapes_go_with_the_landmarks_of_drawn_faces():
  means = {}
  with face.expressions() as read, face.landmarker() as detect:
    for emotion in ('neutral', 'happy'):
      frames, _ = FaceRenderer(make_identity(1), 256, 1).frames(clip_motion(1, emotion))
      middle = frames[len(frames) // 2:][:12:3]  # by then the emotion has grown
      faces = [read(frame) for frame in middle]
      np.testing.assert_array_equal(faces[0].landmarks, detect(middle[0]))
      assert all(len(f.landmarks) == len(f.blendshapes) == 1 for f in faces)
      means[emotion] = np.mean([f.blendshapes[0]['mouthSmileLeft'] for f in faces])
    nobody = read(np.full((200, 200, 3), 128, np.uint8))
  assert means['happy'] > means['neutral'] + .3
  assert nobody.landmarks.shape == (0, 131, 2) and nobody.blendshapes == []


@pytest.mark.skipif(not (MODEL and MEDIA), reason='needs $CEMNET_LANDMARKER, $CEMNET_REAL_MEDIA')
def test_real_portraits_and_a_blank():
  with face.landmarker() as detect:
    for path in sorted((Path(MEDIA) / 'portraits').iterdir())[::8]:
      picture = video.read_picture(path)
      points = face.picture_landmarks(picture, detect, path.name)
      eyes, lips = points[[*RIGHT_EYE, *LEFT_EYE]], points[LIPS]
      assert eyes[:, 1].mean() < lips[:, 1].mean() < picture.shape[0]
    with pytest.raises(UserError, match='blank: no face'):
      face.picture_landmarks(np.full((200, 200, 3), 128, np.uint8), detect, 'blank')
