import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import gaussian

from cemnet_jax.metrics.sharpness import sharpness


@pytest.fixture(scope='module')
def pictures():
  return np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)


def test_is_scipys_laplacian_of_luma(pictures):
  regions = np.random.default_rng(1).random((3, 40, 40)) < .3
  expected = [np.abs(ndimage.laplace(p @ [.299, .587, .114], mode='mirror'))[r].mean()
              for p, r in zip(pictures.astype(np.float64), regions)]
  np.testing.assert_allclose(sharpness(pictures, regions), expected, rtol=1e-5)


def test_blur_lowers_it_and_a_shade_does_not_matter(pictures):
  whole = np.ones((3, 40, 40), bool)
  blurred = np.stack([gaussian(p, 1, channel_axis=-1, preserve_range=True) for p in pictures])
  sharp = sharpness(pictures, whole)
  assert (sharpness(blurred.astype(np.uint8), whole) < .2 * sharp).all()
  np.testing.assert_allclose(sharpness(pictures // 2 + 100, whole), sharp / 2, rtol=.02)


def test_an_empty_region_has_none(pictures):
  assert np.isnan(sharpness(pictures[:1], np.zeros((1, 40, 40), bool))).all()
