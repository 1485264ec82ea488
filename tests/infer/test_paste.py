"""Paste-back: only the lower face changes, softly, at the right place and in the right colours."""

import numpy as np
import pytest

from cemnet_jax.infer import paste
from cemnet_jax.preprocess.crop import crop_frame, stable_boxes, to_crop
from cemnet_jax.topology import JAW, LIPS
from tests.infer.tiny_system import drawn_face


def _scene(size=240):
  points, image = drawn_face(size)
  box = stable_boxes(points[None])[0]
  return image, box, to_crop(points[None], box[None])[0]


def test_mask_covers_lips_and_both_jaws_but_not_the_upper_half():
  _, _, points = _scene()
  opened = points.copy()
  opened[JAW, 1] += 0.04
  mask = paste.lower_face_mask(points, opened, 64)
  assert mask.shape == (64, 64) and (mask[:32] == 0).all()
  assert 0 <= mask.min() <= mask.max() < 1.00001
  at = lambda p: mask[np.minimum((p[:, 1] * 64).astype(int), 63), (p[:, 0] * 64).astype(int)]
  assert at(points[LIPS]).min() > 0.9
  low = opened[JAW][opened[JAW][:, 1] > 0.7]
  assert at(low).min() > 0.5
  assert mask[:, 0].max() < 0.05 and mask[:, -1].max() < 0.05
  steps = max(np.abs(np.diff(mask, axis=0)).max(), np.abs(np.diff(mask, axis=1)).max())
  assert steps < 0.6  # the edge takes several pixels even at 64 px


@pytest.mark.parametrize('size', [32, 128, 400])
def test_pasting_the_original_crop_changes_nothing_visible(size):
  image, box, points = _scene()
  crop = crop_frame(image, box, size)
  mask = paste.lower_face_mask(points, points, size)
  out = paste.paste(image, box, crop.astype(np.float32), mask)
  difference = np.abs(out.astype(int) - image)
  assert difference.mean() < (1.0 if size > 64 else 2.0)
  x0, y0, x1, y1 = box.astype(int)
  untouched = np.ones(image.shape[:2], bool)
  untouched[(y0 + y1) // 2:y1 + 1, x0:x1 + 1] = False
  np.testing.assert_array_equal(out[untouched], image[untouched])


def test_crop_lands_where_it_was_cut():
  image, box, _ = _scene()
  crop = np.zeros((64, 64, 3), np.float32)
  crop[40:44, 30:34] = 255  # centre (32, 42) of 64
  out = paste.paste(np.zeros_like(image), box, crop, np.ones((64, 64), np.float32))
  ys, xs = np.mgrid[:240, :240] + 0.5
  weight = out[..., 0].astype(float)
  centre = np.array([(xs * weight).sum(), (ys * weight).sum()]) / weight.sum()
  want = box[:2] + np.array([32, 42]) / 64 * (box[2:] - box[:2])
  np.testing.assert_allclose(centre, want, atol=0.3)


def test_box_beyond_the_frame():
  image, _, points = _scene()
  crop, mask = np.full((32, 32, 3), 200, np.float32), np.ones((32, 32), np.float32)
  out = paste.paste(image, np.float32([-60, 150, 60, 270]), crop, mask)
  assert out.shape == image.shape and (out[200, 20] == 200).all()
  np.testing.assert_array_equal(out[:, 70:], image[:, 70:])
  beside = paste.paste(image, np.float32([300, 0, 400, 100]), crop, mask)
  np.testing.assert_array_equal(beside, image)


def test_colour_error_of_the_known_half_is_taken_out():
  image, box, points = _scene()
  crop = crop_frame(image, box, 64)
  tinted = (crop.astype(int) + [12, -9, 5]).clip(0, 255).astype(np.uint8)
  got = tinted + paste.tint(tinted, crop, points)
  jaw = np.s_[36:44, 24:40]
  np.testing.assert_allclose(got[jaw], crop[jaw], atol=1.5)
  wild = (crop.astype(int) + 90).clip(0, 255).astype(np.uint8)
  assert np.abs(paste.tint(wild, crop, points)).max() <= paste.MAX_TINT


def test_mask_fades_at_the_edge_of_the_crop():
  _, _, points = _scene()
  long = points.copy()
  long[JAW, 1] += 0.4
  mask = paste.lower_face_mask(points, long, 64)
  assert mask[-1].max() == 0 and mask[-8].max() > 0.9
