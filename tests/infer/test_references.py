"""References from arrays and files: boxes, choice, loops, and errors that name the file."""

import contextlib
import gc
import tracemalloc

import cv2
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.infer import references as refs
from cemnet_jax.preprocess import face, film
from cemnet_jax.preprocess.crop import crop_frame, stable_boxes
from cemnet_jax.preprocess.encode import write_video
from cemnet_jax.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP
from tests.infer.tiny_system import drawn_face


@pytest.fixture
def fake_landmarker(monkeypatch):
  """Detects the drawn face by its white eyes; finds nothing in a picture without white."""
  points, image = drawn_face(96)
  home = np.argwhere(image.min(axis=2) > 245).mean(axis=0)[::-1]

  @contextlib.contextmanager
  def landmarker(path=None):
    def detect(rgb):
      white = np.argwhere(rgb.min(axis=2) > 225)
      found = [points + white.mean(axis=0)[::-1] - home] if len(white) else []
      return np.float32(found).reshape(-1, 131, 2)
    yield detect
  monkeypatch.setattr(face, 'landmarker', landmarker)


def test_still_pictures_have_boxes_of_their_own():
  small, large = drawn_face(96), drawn_face(192)
  got = refs.from_arrays([small[1], large[1]], np.stack([small[0], large[0]]))
  np.testing.assert_allclose(got.boxes[1], 2 * got.boxes[0], rtol=1e-5)
  np.testing.assert_allclose(*refs.crop_landmarks(got), atol=1e-5)


def test_iplap_boxes_hold_all_points_of_each_picture():
  faces = [drawn_face(96), drawn_face(192)]
  got = refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]), crop='iplap')
  for (points, image), box in zip(faces, got.boxes):
    low = np.maximum(points.min(axis=0) - refs.IPLAP_PAD, 0)
    high = np.minimum(points.max(axis=0) + refs.IPLAP_PAD, len(image))
    np.testing.assert_array_equal(box, np.trunc([*low, *high]))
  with pytest.raises(UserError, match='outside of their picture'):
    refs.from_arrays([faces[0][1]], faces[0][0][None] + 500, crop='iplap')


def test_a_crop_of_a_dataset_is_taken_whole():
  points, image = drawn_face(96)
  box = stable_boxes(points[None])[0]
  crop = crop_frame(image, box, 32)
  in_crop = (points - box[:2]) / (box[2:] - box[:2])
  got = refs.from_arrays([crop], in_crop[None] * 32, refs.whole_boxes([crop]))
  np.testing.assert_allclose(refs.crop_landmarks(got)[0], in_crop, atol=1e-5)
  np.testing.assert_array_equal(crop_frame(got.frames[0], got.boxes[0], 32), crop)


def test_choice_is_seeded_or_spread_over_lip_openness():
  points = np.repeat(drawn_face(96)[0][None], 30, axis=0)
  points[:, INNER_LIP_TOP, 1] -= np.linspace(0, 10, 30)
  many = refs.from_arrays([drawn_face(96)[1]] * 30, points, moving=True)
  one, same, other = (refs.choose(many, 5, seed) for seed in (0, 0, 1))
  np.testing.assert_array_equal(one, same)
  assert len(set(one)) == 5 and (one != other).any()
  np.testing.assert_array_equal(refs.choose(many, 4, how='lip_openness'), [0, 9, 19, 29])
  np.testing.assert_array_equal(refs.choose(many, 99), np.arange(30))
  assert points[0, INNER_LIP_BOTTOM, 1] > points[29, INNER_LIP_TOP, 1]


def test_loop_goes_back_and_forth_without_standing_still():
  np.testing.assert_array_equal(refs.back_and_forth(3, 8), [0, 1, 2, 1, 0, 1, 2, 1])
  np.testing.assert_array_equal(refs.back_and_forth(1, 3), [0, 0, 0])


def test_pictures_from_files(tmp_path, fake_landmarker):
  points, image = drawn_face(96)
  cv2.imwrite(str(tmp_path / 'a.png'), image[..., ::-1])
  got = refs.from_files([tmp_path / 'a.png'])
  np.testing.assert_allclose(got.landmarks[0], points, atol=0.5)
  assert not got.moving
  cv2.imwrite(str(tmp_path / 'sky.png'), np.full((96, 96, 3), 100, np.uint8))
  with pytest.raises(UserError, match='sky.png: no face found'):
    refs.from_files([tmp_path / 'a.png', tmp_path / 'sky.png'])


SKY = np.full((96, 96, 3), 100, np.uint8)


def _moving(count, **how):
  return [drawn_face(96, 0.002 * i, **how)[1] for i in range(count)]


def test_a_video_keeps_its_time_line(tmp_path, fake_landmarker):
  frames = _moving(30)
  frames[8:14] = [SKY] * 6
  write_video(tmp_path / 'v.mp4', frames)
  got = refs.from_files([tmp_path / 'v.mp4'])
  assert got.moving and len(got.frames) == 30 and got.boxes.shape == (30, 4)
  np.testing.assert_array_equal(np.flatnonzero(~got.seen), range(8, 14))
  assert np.isfinite(got.landmarks).all() and np.isfinite(got.boxes).all()
  assert set(refs.choose(got, 24)) == set(np.flatnonzero(got.seen))
  assert set(refs.choose(got, 10, how='lip_openness')) <= set(np.flatnonzero(got.seen))
  steady = refs.steady(got, 12)
  np.testing.assert_array_equal(steady.landmarks, got.landmarks[14:26])
  assert steady.seen is None
  short = refs.from_files([tmp_path / 'v.mp4'], max_frames=8)
  assert len(short.frames) == 8 and short.seen is None
  write_video(tmp_path / 'grey.mp4', [SKY] * 5)
  with pytest.raises(UserError, match='grey.mp4: no face found in any frame'):
    refs.from_files([tmp_path / 'grey.mp4'])
  with pytest.raises(UserError, match='not both'):
    refs.from_files([tmp_path / 'a.png', tmp_path / 'v.mp4'])


def test_a_cut_to_another_person_is_not_painted_over_and_told(tmp_path, fake_landmarker):
  other = [np.where(frame.min(axis=2, keepdims=True) > 225, 255, 200 - frame // 2)
           for frame in _moving(10)]
  frames = [*_moving(20), *[f.astype(np.uint8) for f in other], *_moving(12)]
  write_video(tmp_path / 'v.mp4', frames)
  paths, told = [tmp_path / 'v.mp4'], []
  film = refs.open_files(paths)
  with face.landmarker() as detect:
    found = refs.landmarks_of(paths, film, detect)
  assert set(np.flatnonzero(found.cuts)) == {20, 30}
  got = refs.from_found(paths, film, found, say=told.append)
  np.testing.assert_array_equal(np.flatnonzero(~got.seen), range(20, 30))
  assert told == [f'{paths[0]}: another shot or person is in 10 of 42 frames (0.8 to 1.2 s), which '
                  'stay as they are']


def test_memory_does_not_grow_with_a_reference_video(tmp_path, fake_landmarker, monkeypatch):
  monkeypatch.setattr(film, 'KEPT_BYTES', 10 * SKY.nbytes)
  peaks = []
  for seconds in (4, 24):
    frames = _moving(25)
    frames[10:13] = [SKY] * 3  # gaps, so that runs are compared
    path = tmp_path / f'{seconds}.mp4'
    write_video(path, (frame for _ in range(seconds) for frame in frames),
                np.zeros(seconds * 16000, np.float32))
    gc.collect()
    tracemalloc.start()
    got = refs.from_files([path])
    for index in range(len(got.frames)):
      assert got.frames[index].shape == SKY.shape
    assert len(got.audio[-640:]) == 640
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
  assert len(got.frames) == 600
  # What grows is a frame's landmarks and box, a fiftieth of a frame of 1080p at most.
  assert peaks[1] - peaks[0] < 500 * 6 * 131 * 2 * 4, peaks


def test_a_face_on_its_side_is_refused(tmp_path):
  points, image = drawn_face(96)
  for turns, fine in ((0, True), (1, False), (3, False)):
    turned = points.copy()
    for _ in range(turns):
      turned = np.stack([turned[:, 1], 96 - turned[:, 0]], axis=1)
    detect = lambda rgb, points=turned: points[None]
    if fine:
      face.picture_landmarks(image, detect, 'a.png')
      continue
    with pytest.raises(UserError, match='a.png: the face lies on its side .turned by 9'):
      face.picture_landmarks(np.rot90(image, turns), detect, 'a.png')


def test_wrong_arrays_are_refused():
  points, image = drawn_face(96)
  with pytest.raises(UserError, match='need landmarks of shape'):
    refs.from_arrays([image, image], points[None])
  with pytest.raises(UserError, match='no numbers'):
    refs.from_arrays([image], np.full((1, 131, 2), np.nan))
