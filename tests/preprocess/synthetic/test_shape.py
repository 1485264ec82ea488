"""Faces differ, none folds, and the irregularity of a face can be taken back."""

import numpy as np

from cemnet_jax.preprocess.synthetic.identity import make_identity

GRID = np.stack(np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-1, 3, 41)), -1)


def test_no_face_folds():
  """The bent plane keeps its orientation: neighbours never change places."""
  for speaker in range(100):
    bent = make_identity(speaker).shape.settle(GRID)
    across, down = np.diff(bent, axis=1)[:-1], np.diff(bent, axis=0)[:, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > .5 * .1 ** 2  # a cell of the grid is .1 wide


def test_faces_are_irregular_but_not_much():
  shift = np.stack([make_identity(s).shape.settle(GRID) - GRID for s in range(200)])
  assert .01 < shift[..., 1].std() < .03
  assert np.abs(shift).max() < .25
  mirrored = shift[:, :, ::-1] * [-1, 1]
  assert np.abs(shift - mirrored).mean() > .01  # left and right differ


def test_unsettle_takes_settle_back():
  for speaker in range(20):
    shape = make_identity(speaker).shape
    np.testing.assert_allclose(shape.settle(shape.unsettle(GRID)), GRID, atol=.03)


def test_noses_and_lips_never_touch():
  for speaker in range(300):
    shape = make_identity(speaker).shape
    lip = 1.695 + shape.mouth_y - .78 * shape.upper_lip
    assert lip - (.765 + shape.nose_length) > .45
    assert 2.673 + shape.chin - (1.695 + shape.mouth_y + .78 * shape.lower_lip) > .45
