"""Crops keep coordinates, area and the mouth's secret: no jaw or lip point moves the box."""

import numpy as np
import pytest

from cemnet_jax.preprocess import crop
from cemnet_jax.topology import CONTENT, EYE_CORNERS, POSE


def _landmarks(frames=12, seed=0):
  rng = np.random.default_rng(seed)
  face = rng.uniform(40, 120, (1, 131, 2))
  return np.repeat(face, frames, axis=0) + rng.normal(0, 0.5, (frames, 131, 2))


def test_stable_box_ignores_jaw_and_lips():
  points = _landmarks()
  opened = points.copy()
  opened[:, CONTENT, 1] += 40
  np.testing.assert_array_equal(crop.stable_boxes(points), crop.stable_boxes(opened))


def test_stable_box_formula_for_a_still_face():
  points = np.repeat(_landmarks(1), 5, axis=0)
  x = points[0, POSE, 0]
  width = x.max() - x.min()
  top = points[0, EYE_CORNERS, 1].mean() - 0.37 * width
  middle = (x.max() + x.min()) / 2
  want = [middle - 0.66 * width, top, middle + 0.66 * width, top + 1.32 * width]
  np.testing.assert_allclose(crop.stable_boxes(points), np.tile(want, (5, 1)), rtol=1e-5)


def test_stable_boxes_are_smooth_and_follow_the_head():
  points = np.repeat(_landmarks(1), 100, axis=0)
  points[..., 0] += np.linspace(0, 100, 100)[:, None]
  jitter = np.random.default_rng(1).normal(0, 1, (100, 1, 1))
  boxes = crop.stable_boxes(points + jitter)
  assert np.diff(boxes[10:-10, 0]).std() < 0.4 < np.diff(jitter[:, 0, 0]).std()
  np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1], rtol=1e-5)
  assert abs(boxes[80, 0] - boxes[20, 0] - 60.6) < 2


def test_iplap_box_pads_truncates_and_clamps():
  points = np.full((1, 131, 2), 50.0)
  points[0, 0], points[0, 1] = (2.0, 30.4), (97.7, 90.9)
  np.testing.assert_array_equal(crop.iplap_boxes(points, 5, (100, 100)), [[0, 25, 100, 95]])


@pytest.mark.parametrize('box,size', [((10, 20, 42, 52), 32), ((10, 20, 74, 84), 32)])
def test_whole_pixel_crop_is_a_slice_or_its_block_mean(box, size):
  frame = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
  x0, y0, x1, y1 = box
  k = (x1 - x0) // size
  want = frame[y0:y1, x0:x1].reshape(size, k, size, k, 3).mean((1, 3))
  got = crop.crop_frame(frame, np.array(box, np.float32), size)
  assert np.abs(got - want).max() <= 1


def test_landmark_stays_on_its_pixel_at_any_scale_and_offset():
  for scale in (0.6, 1.0, 1.7, 3.1):
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[90:98, 70:78] = 255  # centre (74, 94)
    corner = np.array([74.0, 94.0]) - (0.41 * 64 * scale, 0.57 * 64 * scale)
    box = np.concatenate([corner, corner + 64 * scale]).astype(np.float32)
    got = crop.crop_frame(frame, box, 64)[..., 0].astype(float)
    ys, xs = np.mgrid[:64, :64] + 0.5
    mean = np.array([(xs * got).sum(), (ys * got).sum()]) / got.sum() / 64
    want = crop.to_crop(np.array([[[74.0, 94.0]]]), box[None])[0, 0]
    np.testing.assert_allclose(mean, want, atol=0.15 / 64)


def test_outside_the_picture_its_edge_is_repeated():
  frame = np.tile(np.arange(50, dtype=np.uint8)[:, None, None], (1, 50, 3))
  got = crop.crop_frame(frame, np.array([-20, -20, 30, 30], np.float32), 50)
  assert (got[:20] == 0).all() and got[-1, 0, 0] == 29


def test_crop_coordinates_round_trip():
  points, boxes = _landmarks(), crop.stable_boxes(_landmarks())
  np.testing.assert_allclose(crop.from_crop(crop.to_crop(points, boxes), boxes), points, rtol=1e-5)


def test_jpeg_round_trip_keeps_colours():
  ramp = np.linspace(0, 255, 64, dtype=np.uint8)
  rgb = np.stack([np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)),
                  np.full((64, 64), 40, np.uint8)], -1)
  back = crop.decode_jpeg(crop.encode_jpeg(rgb)).astype(int)
  assert np.abs(back - rgb).mean() < 1.5
  with pytest.raises(ValueError, match='not a JPEG'):
    crop.decode_jpeg(b'nonsense')
