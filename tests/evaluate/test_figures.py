import cv2
import numpy as np

from cemnet_jax.evaluate import figures


def picture(value, size=40):
  return np.full((size, size, 3), value, np.uint8)


def test_contact_sheet_places_every_picture():
  cells = [[picture(10)], [picture(60), picture(110)]]
  sheet = figures.contact_sheet([('one', cells), ('two', cells)], ['reference', 'generated'],
                                size=32)
  assert sheet.shape == (28 + 2 * (28 + 32) + 8, 32 + 66 + 3 * 8, 3)
  for top in (28 + 28, 28 + 28 + 60):
    assert (sheet[top:top + 32, 8:40] == 10).all()
    assert (sheet[top:top + 32, 48:80] == 60).all()
    assert (sheet[top:top + 32, 82:114] == 110).all()


def test_side_by_side_has_even_sides_and_the_shorter_length():
  videos = {'a': np.stack([picture(0)] * 5), 'b': np.stack([picture(200)] * 7)}
  frames = figures.side_by_side(videos, size=64)
  assert frames.shape == (5, 64 + 28, 128, 3)
  assert (frames[:, 28:, :64] == 0).all() and (frames[:, 28:, 64:] == 200).all()


def test_label_shrinks_to_its_width():
  strip = figures.label('a long heading that has to shrink a lot', 60)
  assert strip.shape == (28, 60, 3)
  assert (strip[:, :2] == 255).all() and (strip < 128).any()


def test_png_round_trip(tmp_path):
  image = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
  figures.write_png(tmp_path / 'x.png', image)
  np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'x.png'))[..., ::-1], image)
  assert len(list(tmp_path.iterdir())) == 1
