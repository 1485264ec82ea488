"""Small faces are found in parts of a picture, at a bounded cost."""

import numpy as np

from cemnet_jax.preprocess.search import EVERY, Search

FACE = np.random.default_rng(0).uniform(0, 50, (131, 2)).astype(np.float32)


class Detector:
  """Finds a white square if it is at least an eighth of the picture wide, as MediaPipe would."""

  def __init__(self):
    self.calls = 0

  def __call__(self, rgb):
    self.calls += 1
    rows, columns = np.nonzero(rgb[..., 0] == 255)
    if not len(rows) or np.ptp(columns) + 1 < max(rgb.shape[:2]) / 8:
      return np.zeros((0, 131, 2), np.float32)
    return np.float32([FACE + [columns.min(), rows.min()]])


def picture(left, top, side=80, height=1080, width=1920):
  rgb = np.zeros((height, width, 3), np.uint8)
  if side:
    rgb[top:top + side, left:left + side] = 255
  return rgb


def test_a_small_face_is_found_where_it_is():
  for left, top in ((30, 40), (900, 500), (1840, 1000), (1000, 1000)):
    found = Search(Detector())(picture(left, top))
    np.testing.assert_allclose(found, [FACE + [left, top]])


def test_a_large_face_costs_nothing_and_a_known_one_little():
  detector = Detector()
  search = Search(detector)
  search(picture(500, 500, 400))
  assert detector.calls == 1
  search(picture(1500, 100))
  detector.calls = 0
  found = search(picture(1510, 105))  # next frame: whole picture, then around the last place
  np.testing.assert_allclose(found, [FACE + [1510, 105]])
  assert detector.calls == 2


def test_frames_without_a_face_are_searched_now_and_then():
  detector = Detector()
  search = Search(detector)
  empty, costs = picture(0, 0, 0), []
  for _ in range(2 * EVERY):
    detector.calls = 0
    assert search(empty).shape == (0, 131, 2)
    costs.append(detector.calls)
  assert costs == [costs[0], *[1] * (EVERY - 1)] * 2 and 10 < costs[0] < 40


def test_a_small_picture_has_no_parts():
  detector = Detector()
  assert not len(Search(detector)(picture(0, 0, 0, 200, 200))) and detector.calls == 1
