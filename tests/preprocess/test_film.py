"""Frames of a video that is not kept are the same frames, in any order, and few at a time."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import encode, film, video

COUNT = 75


@pytest.fixture(scope='module')
def path(tmp_path_factory):
  path = tmp_path_factory.mktemp('film') / 'count.mp4'
  shades = np.linspace(0, 250, COUNT).astype(np.uint8)
  encode.write_video(path, [np.full((48, 64, 3), shade) for shade in shades],
                    np.zeros(COUNT * 640, np.float32))
  return path


@pytest.fixture(params=['kept', 'decoded'])
def reel(request, path, monkeypatch):
  if request.param == 'decoded':
    monkeypatch.setattr(film, 'KEPT_BYTES', 20 * 48 * 64 * 3)
  reel = film.Film(path, 70)
  assert len(list(reel.read())) == len(reel) == 70
  return reel


def test_every_order_shows_the_same_frames(reel, path):
  known = list(video.iterate_frames(path))[:70]
  np.testing.assert_array_equal(np.stack(list(reel)), np.stack(known))
  np.testing.assert_array_equal(np.stack(list(reversed(reel))), np.stack(known[::-1]))
  for i in np.random.default_rng(0).integers(-70, 70, 12):
    np.testing.assert_array_equal(reel[i], known[i])
  part = reel[40:60]
  assert len(part) == 20 and len(part[5:]) == 15
  np.testing.assert_array_equal(part[3], known[43])
  np.testing.assert_array_equal(part[5:][-1], known[59])
  with pytest.raises(IndexError):
    part[20]


def test_a_long_video_is_not_kept(path, monkeypatch):
  monkeypatch.setattr(film, 'KEPT_BYTES', 20 * 48 * 64 * 3)
  reel = film.Film(path)
  assert len(list(reel.read())) == COUNT
  assert not reel._kept
  opened, decode = [], video.iterate_frames
  monkeypatch.setattr(film, 'iterate_frames', lambda path: opened.append(path) or decode(path))
  list(reel)
  assert len(opened) == 1 and len(reel._chunk) <= film.CHUNK


def test_a_file_that_shrank_is_told(path, tmp_path, monkeypatch):
  monkeypatch.setattr(film, 'KEPT_BYTES', 0)
  copy = tmp_path / 'copy.mp4'
  copy.write_bytes(path.read_bytes())
  reel = film.Film(copy)
  list(reel.read())
  encode.write_video(copy, [np.zeros((48, 64, 3), np.uint8)] * 30, np.zeros(30 * 640, np.float32))
  with pytest.raises(UserError, match='copy.mp4: has fewer frames than before'):
    reel[60]
