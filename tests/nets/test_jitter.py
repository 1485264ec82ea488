"""Small moves, light and softness: against OpenCV and by what they leave alone."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import jitter


@pytest.fixture
def images():
  small = np.random.default_rng(0).random((3, 8, 8, 3)).astype(np.float32)
  large = [cv2.resize(i, (32, 32), interpolation=cv2.INTER_CUBIC) for i in small]
  return np.stack(large).clip(0, 1)


def test_move_by_is_an_affine_warp(images):
  shift = np.array([[0.1, -0.05], [0.0, 0.0], [-0.2, 0.3]], np.float32)
  zoom = np.array([1.1, 1.0, 0.8], np.float32)
  got = jitter.move_by(jnp.asarray(images), shift, zoom)
  for image, s, z, ours in zip(images, shift, zoom, got):
    to = (1 - z) * 15.5 + 32 * s  # pixel centres: the middle of the picture lies at 15.5
    matrix = np.array([[z, 0, to[0]], [0, z, to[1]]])
    want = cv2.warpAffine(image, matrix, (32, 32), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(ours, want, atol=0.03)  # OpenCV knows 1/32 of a pixel
  np.testing.assert_allclose(got[1], images[1], atol=1e-5)


def test_points_move_with_their_picture():
  y, x = np.mgrid[:64, :64]
  place = np.array([20.3, 37.8])  # px
  spot = np.exp(-((x + .5 - place[0])**2 + (y + .5 - place[1])**2) / 18)
  images = np.repeat(spot[None, ..., None], 6, 0).astype(np.float32)
  points = np.repeat(place[None, None] / 64, 6, 0).astype(np.float32)
  moved, points = jitter.move(jax.random.key(3), jnp.asarray(images), jnp.asarray(points))
  weight = np.asarray(moved)[..., 0] / np.asarray(moved)[..., 0].sum((1, 2), keepdims=True)
  found = np.stack([(weight * (x + .5)).sum((1, 2)), (weight * (y + .5)).sum((1, 2))], -1) / 64
  np.testing.assert_allclose(points[:, 0], found, atol=1e-3)
  assert np.ptp(points, axis=0).min() > 0.01


def test_blur_is_binomial(images):
  for image, got in zip(images, jitter.blur(jnp.asarray(images))):
    want = cv2.sepFilter2D(image, -1, np.array([.25, .5, .25]), np.array([.25, .5, .25]),
                           borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_light_changes_each_picture_as_a_whole(images):
  calm = 0.4 + 0.2 * images  # far from the limits
  got = np.asarray(jitter.relight(jax.random.key(0), jnp.asarray(calm)))
  lines = [np.polyfit(a.ravel(), b.ravel(), 1) for a, b in zip(calm, got)]
  for (contrast, light), a, b in zip(lines, calm, got):
    np.testing.assert_allclose(contrast * a + light, b, atol=1e-4)
    assert abs(contrast - 1) < 0.11
  assert np.ptp([line[0] for line in lines]) > 0.01


def test_soften_is_between_sharp_and_blurred_but_for_noise(images):
  images = np.concatenate([images] * 4)
  got = np.asarray(jitter.soften(jax.random.key(1), jnp.asarray(images)))
  blurred = np.asarray(jitter.blur(jitter.blur(jnp.asarray(images))))
  low, high = np.minimum(images, blurred), np.maximum(images, blurred)
  beyond = np.maximum(low - got, got - high)
  assert beyond.max() < 5 * jitter.MAX_NOISE and beyond.mean() < jitter.MAX_NOISE
  change = blurred - images
  share = [[(c[rows] * (g - i)[rows]).sum() / np.square(c[rows]).sum() for c, g, i in
            zip(change, got, images)] for rows in (slice(0, 16), slice(16, 32))]
  upper, lower = np.array(share)
  alike = np.abs(upper - lower) < 0.05
  assert 2 < alike.sum() < 10 and np.ptp(lower) > 0.5
  np.testing.assert_allclose(upper[~alike], 0, atol=0.05)  # the others keep a sharp upper half
