"""A camera leaves what its speaker shows, adds its own, and repeats itself."""

import dataclasses

import numpy as np

from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg
from cemnet_jax.preprocess.synthetic.camera import make_camera

PLAIN = dataclasses.replace(make_camera(0), blur=0., noise=0., gain=np.ones(3), gamma=1., jpeg=0)
FRAMES = np.random.default_rng(0).integers(0, 255, (3, 48, 48, 3), np.uint8)
GREY = np.full((40, 64, 64, 3), 128, np.uint8)


def test_a_perfect_camera_changes_nothing():
  np.testing.assert_array_equal(PLAIN.expose(FRAMES, (1,)), FRAMES)


def test_the_same_take_has_the_same_noise_and_another_take_other_noise():
  camera = dataclasses.replace(PLAIN, noise=3.)
  first = camera.expose(GREY, (1, 2))
  np.testing.assert_array_equal(first, camera.expose(GREY, (1, 2)))
  assert (first != camera.expose(GREY, (1, 3))).mean() > .5


def test_noise_has_its_size_and_changes_from_frame_to_frame():
  noise = dataclasses.replace(PLAIN, noise=3.).expose(GREY, (7,)).astype(float) - 128
  assert abs(noise.std() - 3) < .2 and abs(noise.mean()) < .1
  both = np.stack([noise[:-1].ravel(), noise[1:].ravel()])
  assert abs(np.corrcoef(both)[0, 1]) < .1


def test_a_frame_does_not_depend_on_those_after_it():
  camera = dataclasses.replace(PLAIN, noise=2., jpeg=60, blur=8.)
  np.testing.assert_array_equal(camera.expose(FRAMES, (5,))[:1], camera.expose(FRAMES[:1], (5,)))


def test_gain_and_gamma_are_the_colour_curve():
  camera = dataclasses.replace(PLAIN, gain=np.array([1.1, 1., .8]), gamma=1.2)
  expected = 255 * np.clip((FRAMES / 255.) ** 1.2 * [1.1, 1., .8], 0, 1)
  np.testing.assert_allclose(camera.expose(FRAMES, ()), expected, atol=.51)


def test_jpeg_is_that_of_rgb_pictures():
  made = dataclasses.replace(PLAIN, jpeg=50).expose(FRAMES, ())
  np.testing.assert_array_equal(made[0], decode_jpeg(encode_jpeg(FRAMES[0], 50)))


def test_blur_is_a_share_of_the_picture():
  camera = dataclasses.replace(PLAIN, blur=10.)
  for size in (128, 256):
    edge = np.zeros((1, size, size, 3), np.uint8)
    edge[:, :, size // 2:] = 200
    slope = np.diff(camera.expose(edge, ())[0, size // 2, :, 0].astype(float)) / 200
    at = np.arange(len(slope))
    sigma = np.sqrt((slope * (at - (slope * at).sum()) ** 2).sum())
    assert abs(sigma / size - .010) < .001


def test_cameras_differ_and_none_is_hopeless():
  cameras = [make_camera(speaker) for speaker in range(200)]
  assert 20 < np.mean([bool(c.jpeg) for c in cameras]) * 100 < 60
  assert max(c.noise for c in cameras) < 4.5 and min(c.noise for c in cameras) < .6
  assert all(9.9 < c.distance < 30.1 and c.blur <= 4 for c in cameras)
  assert np.std([c.gain[0] / c.gain[2] for c in cameras]) > .05
