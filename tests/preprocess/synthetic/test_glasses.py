"""Glasses sit around the eyes, on some speakers only, and follow the head."""

import dataclasses

import numpy as np

from cemnet_jax.preprocess.synthetic.geometry import landmarks
from cemnet_jax.preprocess.synthetic.glasses import draw_glasses, outline
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import still_motion
from cemnet_jax.preprocess.synthetic.phones import VISEMES
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.topology import LEFT_EYE, LIPS, RIGHT_EYE

SILENT = np.array([VISEMES['_']], float)
WEARER = next(s for s in range(40) if make_identity(s).glasses)


def test_some_wear_glasses():
  assert .1 < np.mean([make_identity(s).glasses is not None for s in range(300)]) < .3


def test_every_eye_is_within_its_lens_and_before_it():
  for speaker in range(60):
    identity = make_identity(speaker)
    if not identity.glasses:
      continue
    points, extras = landmarks(identity, np.zeros((1, 20)), SILENT, np.zeros(1))
    lines = outline(identity.glasses, extras.eyes, identity.shape.face_width)
    for name, eye in (('right', RIGHT_EYE), ('left', LEFT_EYE)):
      low, high = lines[name].min(0), lines[name].max(0)
      assert (low[:2] < points[0, eye, :2].min(0) + .05).all()
      assert (high[:2] > points[0, eye, :2].max(0) - .05).all()
      assert lines[name][:, 2].min() > points[0, eye, 2].mean() - .15
    assert lines['right'][:, 0].max() < lines['left'][:, 0].min()  # a nose fits between


def test_they_are_drawn_around_the_eyes_only():
  motion = still_motion(np.zeros((1, 20)), SILENT)
  identity = make_identity(WEARER)
  with_glasses, points = FaceRenderer(identity, 128).frames(motion)
  bare = FaceRenderer(make_identity(WEARER), 128)
  bare._glasses = None
  changed = np.abs(with_glasses.astype(int) - bare.frames(motion)[0]).max(-1)[0]
  rows = np.flatnonzero(changed.max(1))
  assert rows.size and rows.max() < points[0, LIPS, 1].min()
  assert (changed > 20).sum() > 60


def test_thicker_rims_darken_more():
  glasses, eyes = make_identity(WEARER).glasses, np.array([[-.68, .1], [.68, .1]])
  lines = {name: line[:, :2] * 20 + 64 for name, line in outline(glasses, eyes, 1.).items()}
  thin, thick = (np.full((128, 128, 3), 220, np.uint8) for _ in range(2))
  draw_glasses(thin, lines, dataclasses.replace(glasses, rim=.03), 20., 1)
  draw_glasses(thick, lines, dataclasses.replace(glasses, rim=.12), 20., 1)
  assert thick.mean() < thin.mean() < 220
