"""Landmark losses against numpy."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax import losses


def draw(seed):
  return jnp.asarray(np.random.default_rng(seed).normal(size=(3, 5, 57, 2)), jnp.float32)


def test_l1_and_velocity():
  a, b = draw(0), draw(1)
  np.testing.assert_allclose(losses.l1(a, b), np.abs(a - b).mean(), rtol=1e-5)
  step = (a[:, 1:] - a[:, :-1]) - (b[:, 1:] - b[:, :-1])
  want = np.linalg.norm(step.reshape(3, 4, 114), axis=-1).mean()
  np.testing.assert_allclose(losses.velocity(a, b), want, rtol=1e-5)
  np.testing.assert_allclose(
    losses.a2m_loss(a, b, weight=0.5), np.abs(a - b).mean() + 0.5 * want, rtol=1e-5)


def test_flat_points_give_the_same():
  a, b = draw(0), draw(1)
  flat = losses.a2m_loss(a.reshape(3, 5, 114), b.reshape(3, 5, 114))
  np.testing.assert_allclose(losses.a2m_loss(a, b), flat, rtol=1e-6)


def test_padding_changes_nothing():
  a, b = draw(0), draw(1)
  mask = jnp.array([1.0, 1.0, 0.0])
  for loss in (losses.l1, losses.velocity, losses.a2m_loss):
    np.testing.assert_allclose(loss(a, b, mask), loss(a[:2], b[:2]), rtol=1e-5)
  assert losses.l1(a, b, jnp.zeros(3)) == 0


def test_gradient_is_finite_where_the_motion_is_right():
  a = jnp.asarray(draw(0))
  assert np.isfinite(np.asarray(jax.grad(losses.velocity)(a, a + 0.25))).all()
