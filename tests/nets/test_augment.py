"""EAMM's augmentations against scikit-image and OpenCV, and their probabilities and ranges."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import transform

from cemnet_jax.nets import augment

SIZE = 32


@pytest.fixture
def images():
  rng = np.random.default_rng(0)
  coarse = rng.uniform(size=(4, 8, 8, 3)).astype(np.float32)
  return jnp.stack([cv2.resize(x, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for x in coarse])


@pytest.mark.parametrize('degrees', [-30.0, 7.5, 30.0])
def test_rotation_is_scikit_image(images, degrees):
  ours = np.asarray(augment.rotate_by(images, jnp.full(4, degrees)))
  for got, image in zip(ours, np.array(images), strict=True):
    want = transform.rotate(image, degrees, preserve_range=True)
    np.testing.assert_allclose(got, want, atol=1e-4)
  assert (ours[:, 0, 0] == 0).all() and (ours[:, -1, -1] == 0).all()


@pytest.mark.parametrize(('shift', 'enlarge'), [(3.0, 4.0), (-3.0, 2.5), (2.5, -4.0), (-3.0, -3.0)])
def test_perspective_is_eamms_homography(images, shift, enlarge):
  s, e, p = SIZE, enlarge, shift
  source = np.float32([[-e, -e], [-e, s + e], [s + e, -e], [s + e, s + e]])
  target = np.float32([[-e, -e], [-e + p, s + e], [s + e, -e], [s + e - p, s + e]])
  matrix = cv2.getPerspectiveTransform(source, target)
  ours = np.asarray(augment.perspective_by(images, jnp.full(4, p), jnp.full(4, e)))
  for got, image in zip(ours, np.array(images), strict=True):
    want = cv2.warpPerspective(image, matrix, (s, s), borderMode=cv2.BORDER_REPLICATE)
    # OpenCV rounds coordinates to 1/32 pixel.
    np.testing.assert_allclose(got, want, atol=0.02)
  assert np.abs(ours - images).max() > 0.1


def test_mouth_mask_covers_the_grown_box_and_nothing_else():
  images = jnp.full((64, SIZE, SIZE, 3), 2.0)  # no noise value: [0, 1)
  lips = jnp.tile(jnp.array([[0.25, 0.5], [0.75, 0.75]]), (64, 1, 1))
  masked = np.asarray(augment.mask_mouth(jax.random.key(1), images, lips) != 2).all(-1)
  hit = masked.any((1, 2))
  assert 16 <= hit.sum() <= 48  # p = 0.5 of 64: 4 standard deviations
  want = np.zeros((SIZE, SIZE), bool)
  want[14:26, 4:28] = True  # x 0.5 +- 0.375, y 0.625 +- 0.1875 of 32 pixels
  assert (masked[hit] == want).all()
  noise = np.asarray(augment.mask_mouth(jax.random.key(1), images, lips))[hit][:, want]
  assert noise.min() >= 0 and noise.max() < 1
  assert abs(noise.mean() - 0.5) < 0.01 and abs(noise.var() - 1 / 12) < 0.01
  assert not (noise[0] == noise[1]).any()


def test_flip_mirrors_half_of_the_pictures(images):
  many = jnp.repeat(images, 16, axis=0)
  flipped = np.asarray(augment.flip(jax.random.key(2), many))
  mirrored = (flipped == many[:, :, ::-1]).all((1, 2, 3))
  same = (flipped == many).all((1, 2, 3))
  assert (mirrored ^ same).all()
  assert 16 <= mirrored.sum() <= 48


def test_random_angles_stay_in_range(monkeypatch):
  drawn = []
  monkeypatch.setattr(
    augment, 'rotate_by', lambda images, degrees: (drawn.append(degrees), images)[1])
  augment.rotate(jax.random.key(0), jnp.zeros((1000, 2, 2, 3)))
  degrees = np.asarray(drawn[0])
  assert degrees.min() >= -30 and degrees.max() <= 30
  assert degrees.min() < -29 and degrees.max() > 29 and abs(degrees.mean()) < 2


def test_random_perspective_scales_with_the_picture(monkeypatch):
  drawn = []
  monkeypatch.setattr(
    augment, 'perspective_by', lambda images, *sizes: (drawn.append(sizes), images)[1])
  augment.perspective(jax.random.key(0), jnp.zeros((2000, 64, 64, 0)))
  shift, enlarge = (np.asarray(x) * 4 for x in drawn[0])  # back to pixels of 256
  assert sorted(set(np.abs(shift))) == list(range(20, 30))
  assert sorted(set(np.abs(enlarge))) == list(range(20, 40))
  for x in (shift, enlarge):
    assert 0.45 < (x > 0).mean() < 0.55
  assert abs(np.corrcoef(shift > 0, enlarge > 0)[0, 1]) < 0.1


def test_chain_is_a_function_of_its_key(images):
  lips = jnp.tile(jnp.array([[0.3, 0.6], [0.7, 0.8]]), (4, 1, 1))
  jitted = jax.jit(augment.augment)
  first, again = (np.asarray(jitted(jax.random.key(3), images, lips)) for _ in range(2))
  other = np.asarray(jitted(jax.random.key(4), images, lips))
  assert (first == again).all()
  assert first.shape == images.shape and first.min() >= 0 and first.max() <= 1 + 1e-6
  assert (np.abs(first - other).max((1, 2, 3)) > 0.05).all()
