"""The numpy twin of the face's own frame."""

import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import landmark_frame
from cemnet_jax.preprocess.stable_frame import align, into_picture
from cemnet_jax.topology import STABLE
from tests.infer.tiny_system import drawn_face


@pytest.fixture(scope='module')
def landmarks():
  face = drawn_face(1)[0].astype(np.float64)
  return face + np.random.default_rng(0).normal(0, 0.004, (30, 131, 2))


def test_equals_the_frame_of_the_nets(landmarks):
  points = jnp.asarray(landmarks[:20], jnp.float32)
  expected = landmark_frame.to_frame(points, landmark_frame.fit(points[:, STABLE]))
  np.testing.assert_allclose(align(landmarks[:20]), expected, atol=2e-6)


def test_head_motion_is_taken_out(landmarks):
  turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
  moved = 0.7 * landmarks[:4] @ turn.T + [0.2, -0.1]
  np.testing.assert_allclose(align(moved), align(landmarks[:4]), atol=1e-9)


def test_a_step_in_the_frame_is_the_same_step_in_the_picture(landmarks):
  steps = np.random.default_rng(1).normal(0, 0.02, (131, 2))
  steps[STABLE] = 0  # which define the frame
  moved = landmarks + into_picture(steps, landmarks)
  np.testing.assert_allclose(align(moved), align(landmarks) + steps, atol=1e-9)
