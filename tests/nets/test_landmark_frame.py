"""The stable frame: invariance to head position, exact inverses, statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax import topology
from cemnet_jax.nets import landmark_frame as frame


@pytest.fixture
def template():
  """An uneven seven-point shape, unlike the constant of the package."""
  return jnp.asarray(np.random.default_rng(5).normal(size=(7, 2)), jnp.float32)


def faces(*lead):
  rng = np.random.default_rng(0)
  return (0.5 + 0.1 * rng.normal(size=(*lead, 131, 2))).astype(np.float32)


def moved(points, angle, size, shift):
  turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
  return (size * points @ turn + shift).astype(np.float32)


def statistics(landmarks, template):
  aligned = frame.to_frame(landmarks, frame.fit(landmarks[..., topology.STABLE, :], template))
  return {'mean': aligned.mean(0), 'std': aligned.std(0) + 1e-3}


def test_fit_is_the_least_squares_similarity(template):
  points = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
  got = frame.to_frame(jnp.asarray(points), frame.fit(jnp.asarray(points), template))
  # Independent: linear least squares for [a, b, tx, ty] of x' = ax - by + tx, y' = bx + ay + ty.
  x, y = points.T
  zero, one = np.zeros(7), np.ones(7)
  rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
  target = template - template.mean(0)
  solution, *_ = np.linalg.lstsq(rows, target.T.reshape(-1), rcond=None)
  np.testing.assert_allclose(got, (rows @ solution).reshape(2, 7).T, atol=1e-5)


def test_frame_forgets_position_angle_and_size(template):
  face = faces()
  other = moved(face, 0.3, 1.7, [0.2, -0.1])
  a, b = (frame.to_frame(jnp.asarray(f), frame.fit(jnp.asarray(f[topology.STABLE]), template))
          for f in (face, other))
  np.testing.assert_allclose(a, b, atol=1e-4)


def test_round_trip_through_the_nets_units(template):
  landmarks = jnp.asarray(faces(2, 3))
  stats = statistics(jnp.asarray(faces(40)), template)
  pose, content = landmarks[..., topology.POSE, :], landmarks[..., topology.CONTENT, :]
  _, _, mouth, sim = frame.normalise_inputs(pose, None, content, stats, template)
  assert sim.centre.shape == (2, 3, 2)
  np.testing.assert_allclose(frame.denormalise_mouth(mouth, sim, stats), content, atol=1e-5)


def test_references_are_aligned_each_by_itself(template):
  stats = statistics(jnp.asarray(faces(40)), template)
  face = faces()
  refs = jnp.asarray(np.stack([face, moved(face, -0.5, 0.6, [0.1, 0.3])])[None])
  pose = jnp.asarray(face[None, None, topology.POSE])
  pose_n, ref_n, content, _ = frame.normalise_inputs(pose, refs, None, stats, template)
  assert content is None
  np.testing.assert_allclose(ref_n[0, 0], ref_n[0, 1], atol=1e-3)
  np.testing.assert_allclose(ref_n[0, 0, topology.POSE], pose_n[0, 0], atol=1e-4)


def test_statistics_standardise(template):
  landmarks = jnp.asarray(faces(200))
  stats = statistics(landmarks, template)
  _, ref_n, _, _ = frame.normalise_inputs(
    landmarks[:, topology.POSE], landmarks, None, stats, template)
  np.testing.assert_allclose(np.asarray(ref_n).mean(0), 0, atol=1e-4)
  np.testing.assert_allclose(np.asarray(ref_n)[:, topology.LIPS].std(0), 1, atol=2e-2)


def test_without_statistics_landmarks_stay_as_they_are():
  landmarks = jnp.asarray(faces(2, 3))
  pose, content = landmarks[..., topology.POSE, :], landmarks[..., topology.CONTENT, :]
  *same, sim = frame.normalise_inputs(pose, landmarks, content, {})
  for got, want in zip(same, (pose, landmarks, content)):
    np.testing.assert_array_equal(got, want)
  assert sim.scale_rot.shape == sim.centre.shape == (2, 3, 2)
  np.testing.assert_array_equal(frame.to_frame(pose, sim), pose)
  np.testing.assert_array_equal(frame.denormalise_mouth(content, sim, {}), content)
  np.testing.assert_array_equal(frame.normalise_references(landmarks, {}), landmarks)


def test_coinciding_points_give_finite_values_and_gradients(template):
  points = jnp.full((7, 2), 0.5)
  grad = jax.grad(lambda p: jnp.square(frame.to_frame(p, frame.fit(p, template))).sum())(points)
  assert np.isfinite(np.asarray(grad)).all()


def test_package_template_is_the_default():
  points = jnp.asarray(topology.STABLE_TEMPLATE, jnp.float32)
  sim = frame.fit(points)
  np.testing.assert_allclose(sim.scale_rot, [1, 0], atol=1e-5)
