"""Matching of lips and audio: distances and loss against PyTorch, and what the mask leaves out."""

import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax import losses

torch = pytest.importorskip('torch')


def draw(seed):
  return np.random.default_rng(seed).normal(size=(3, 4, 6)).astype(np.float32)


def torch_loss(lips, audio):
  lips, audio = torch.from_numpy(lips), torch.from_numpy(audio)
  right = torch.arange(4)
  both = []
  for a, b in zip(lips, audio):
    d = torch.stack([torch.pairwise_distance(row[None].expand(4, -1), b) for row in a])
    both.append((d, (torch.nn.functional.cross_entropy(-d, right)
                     + torch.nn.functional.cross_entropy(-d.T, right)) / 2))
  return torch.stack([d for d, _ in both]), torch.stack([x for _, x in both])


def test_against_torch():
  lips, audio = draw(0), draw(1)
  distances, each = torch_loss(lips, audio)
  ours = losses.pair_distances(jnp.asarray(lips), jnp.asarray(audio))
  np.testing.assert_allclose(ours, distances, rtol=1e-5)
  np.testing.assert_allclose(losses.matching(ours), each.mean(), rtol=1e-5)
  mask = jnp.array([1., 0., 1.])
  np.testing.assert_allclose(losses.matching(ours, mask), (each[0] + each[2]) / 2, rtol=1e-5)


def test_equal_embeddings_have_a_gradient():
  import jax
  x = jnp.ones((1, 2, 3))
  grad = jax.grad(lambda a: losses.pair_distances(a, x).sum())(x)
  assert np.isfinite(grad).all()
