import numpy as np
import pytest

from cemnet_jax.metrics import colour_step, oval
from tests.metrics.test_oval import distance_to_hull, face

SIZE = 200


@pytest.fixture(scope='module')
def scene():
  picture = np.random.default_rng(0).integers(40, 200, (SIZE, SIZE, 3), np.uint8)
  return picture, colour_step.edge_bands(face(), SIZE)


def test_bands_lie_on_both_sides_of_the_edge(scene):
  bands = scene[1]
  assert len(bands) == colour_step.COLUMNS + 2
  distance = distance_to_hull(face() * SIZE, SIZE, SIZE) / (SIZE * oval.face_width(face()))
  for band in bands[:-2]:
    rows, above = np.nonzero(band.inner)[0], np.nonzero(band.outer)[0]
    assert above.max() < SIZE * colour_step.TOP < rows.min()
    assert distance[band.inner | band.outer].max() < 0
  for band in bands[-2:]:
    assert distance[band.inner].max() < 0 < distance[band.outer].min()
    assert np.ptp(np.nonzero(band.inner)[1]) < SIZE / 3  # one side of the face each
  assert len(np.unique([np.nonzero(b.inner)[1].mean() for b in bands])) == len(bands)


def test_a_tint_is_found_as_large_as_it_is(scene):
  picture, bands = scene
  tinted = picture.copy()
  tinted[SIZE // 2:][oval.lower_face(face(), SIZE)[SIZE // 2:]] += np.uint8([9, 0, 3])
  np.testing.assert_allclose(colour_step.colour_step(tinted, picture, bands), 4, rtol=1e-12)


def test_what_changes_on_both_sides_is_no_step(scene):
  picture, bands = scene
  np.testing.assert_allclose(colour_step.colour_step(picture + 20, picture, bands), 0, atol=1e-12)
  assert colour_step.colour_step(picture, picture, bands).max() == 0
