"""Cross-entropy and ArcFace's margin against numpy."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax import losses


def draw(*shape, seed=0):
  return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def entropy(logits, labels):
  logits, labels = np.asarray(logits), np.asarray(labels)
  shifted = logits - logits.max(-1, keepdims=True)
  log = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
  return -np.take_along_axis(log, labels[..., None], -1)[..., 0]


def test_cross_entropy_with_padding():
  logits, labels = draw(4, 8), jnp.array([1, 0, 7, 3])
  np.testing.assert_allclose(
    losses.cross_entropy(logits, labels), entropy(logits, labels).mean(), rtol=1e-5)
  mask = jnp.array([1.0, 0.0, 1.0, 0.0])
  np.testing.assert_allclose(
    losses.cross_entropy(logits, labels, mask), entropy(logits, labels)[::2].mean(), rtol=1e-5)


def test_arc_margin_widens_the_own_angle():
  embeddings, centres, labels = draw(5, 6), draw(4, 6, seed=1), jnp.array([0, 1, 2, 3, 1])
  embeddings = embeddings.at[1].set(-3 * centres[1])  # beyond pi - margin
  dot = np.asarray(embeddings) @ np.asarray(centres).T
  cosine = np.clip(dot / np.linalg.norm(embeddings, axis=1)[:, None]
                   / np.linalg.norm(centres, axis=1), -1, 1)
  angle = np.arccos(cosine)
  want = cosine.copy()
  for b, label in enumerate(labels):
    within = angle[b, label] + 0.5 < np.pi
    want[b, label] = (np.cos(angle[b, label] + 0.5) if within
                      else cosine[b, label] - 0.5 * np.sin(0.5))
  np.testing.assert_allclose(
    losses.arc_logits(embeddings, centres, labels), 64 * want, atol=1e-2)
  np.testing.assert_allclose(
    losses.arc_margin(embeddings, centres, labels), entropy(64 * want, labels).mean(), rtol=1e-3)


def test_arc_margin_gradient_is_finite_on_the_centre():
  centres = jnp.asarray(draw(3, 6))
  grad = jax.grad(losses.arc_margin)(centres, centres, jnp.arange(3))
  assert np.isfinite(np.asarray(grad)).all()
