"""Wav2Lip's sync loss against PyTorch's cosine and binary cross-entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax import losses

torch = pytest.importorskip('torch')


def unit(*shape):
  x = np.abs(np.random.default_rng(len(shape)).normal(size=shape)).astype(np.float32)
  return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_matches_torch():
  face, speech, truth = unit(6, 9), unit(6, 9)[::-1].copy(), np.float32([1, 0, 0, 1, 1, 0])
  p = losses.sync_probability(face, speech)
  want = torch.nn.functional.cosine_similarity(torch.from_numpy(face), torch.from_numpy(speech))
  np.testing.assert_allclose(p, want, rtol=1e-5)
  np.testing.assert_allclose(
    losses.lip_sync(p, truth), torch.nn.functional.binary_cross_entropy(
      want, torch.from_numpy(truth)), rtol=1e-5)
  weight = np.float32([1, 0, 2, 1, 0, 1])
  np.testing.assert_allclose(
    losses.lip_sync(p, truth, weight), (torch.nn.functional.binary_cross_entropy(
      want, torch.from_numpy(truth), reduction='none').numpy() * weight).sum() / 5, rtol=1e-5)


def test_all_pairs_of_two_sets():
  face, speech = unit(2, 3, 5), unit(2, 3, 5)[:, ::-1]
  np.testing.assert_allclose(losses.sync_probability(face[:, :, None], speech[:, None]),
                             np.einsum('bkd,bld->bkl', face, speech), rtol=1e-5)


def test_certainty_has_finite_loss_and_gradient():
  p, wrong = jnp.array([0.0, 1.0, 1.0000001]), jnp.array([1.0, 0.0, 0.0])
  value, grad = jax.value_and_grad(lambda p: losses.lip_sync(p, wrong))(p)
  assert 10 < value < 15 and np.isfinite(grad).all()
