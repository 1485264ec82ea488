"""Losses of Audio Emotion Enhancement against loops over Eq. 5 and 6, and CTC against PyTorch."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cemnet_jax import losses

ctc = jax.jit(losses.ctc)


def draw(*shape, seed=0):
  return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_cross_reconstruction_sums_the_eight_terms():
  decoded, clips = draw(3, 2, 2, 2, 28, 12), draw(3, 2, 2, 2, 28, 12, seed=1)
  want = 0.0
  for j, i, k in itertools.product(range(2), repeat=3):  # emotion of j, timbre of i, content of k
    difference = (decoded - clips)[:, j, i, k].reshape(3, -1)
    want += (np.linalg.norm(difference, axis=1) / np.sqrt(28 * 12)).mean()
  np.testing.assert_allclose(losses.cross_reconstruction(decoded, clips), want, rtol=1e-5)


def test_missing_clips_drop_their_terms_only():
  decoded, clips = draw(2, 2, 2, 2, 28, 12), draw(2, 2, 2, 2, 28, 12, seed=1)
  mask = np.ones((2, 2, 2, 2), np.float32)
  mask[0, 0, 1, 1] = 0
  rms = np.sqrt(np.square(decoded - clips).mean((-2, -1)))
  want = (rms * mask).sum() / 2
  np.testing.assert_allclose(
    losses.cross_reconstruction(decoded, clips, jnp.asarray(mask)), want, rtol=1e-5)
  mask[1] = 0  # padding: the example counts nowhere
  want = (rms[0] * mask[0]).sum()
  np.testing.assert_allclose(
    losses.cross_reconstruction(decoded, clips, jnp.asarray(mask)), want, rtol=1e-5)


def test_triplet_against_eq_6():
  content = draw(3, 2, 2, 2, 6)
  want = 0.0
  for i, j, k in itertools.product(range(2), repeat=3):
    anchor, positive = content[:, j, i, k], content[:, k, k, k]
    negative = content[:, 1 - k, 1 - k, 1 - k]
    near = np.linalg.norm(anchor - positive, axis=-1)
    far = np.linalg.norm(anchor - negative, axis=-1)
    want += np.maximum(near - far + 0.7, 0).mean()
  np.testing.assert_allclose(losses.triplet(content, margin=0.7), want, rtol=1e-4)
  grad = jax.grad(lambda c: losses.triplet(c))(jnp.asarray(content))
  assert np.isfinite(np.asarray(grad)).all()  # although an anchor may be its own positive


def test_triplet_needs_both_inputs():
  content = draw(2, 2, 2, 2, 6)
  mask = np.ones((2, 2, 2, 2), np.float32)
  mask[0, 1, 1, 1] = 0
  np.testing.assert_allclose(
    losses.triplet(content, jnp.asarray(mask)), losses.triplet(content[1:]), rtol=1e-5)


def speech():
  logits = draw(3, 12, 6)
  lengths, tokens = np.array([12, 9, 3]), np.array([[1, 2, 2, 5], [3, 1, 0, 0], [1, 1, 0, 0]])
  return logits, lengths, tokens, np.array([4, 2, 2])


def test_ctc_is_torchs():
  torch = pytest.importorskip('torch')
  logits, lengths, tokens, token_lengths = speech()
  want = torch.nn.functional.ctc_loss(
    torch.from_numpy(np.array(logits)).log_softmax(-1).transpose(0, 1), torch.from_numpy(tokens),
    torch.from_numpy(lengths), torch.from_numpy(token_lengths), reduction='mean')
  got = ctc(logits, lengths, tokens, token_lengths)
  np.testing.assert_allclose(got, want.item(), rtol=1e-4)


def test_ctc_by_enumeration():
  logits = draw(1, 3, 3)
  probability = np.asarray(jax.nn.softmax(logits[0]))
  total = 0.0
  for path in itertools.product(range(3), repeat=3):
    word = [k for k, _ in itertools.groupby(path) if k]
    if word == [1, 2]:
      total += np.prod([probability[t, s] for t, s in enumerate(path)])
  got = ctc(logits, np.array([3]), np.array([[1, 2, 0]]), np.array([2]))
  np.testing.assert_allclose(got, -np.log(total) / 2, rtol=1e-4)


def test_ctc_leaves_out_impossible_and_padded_examples():
  logits, lengths, tokens, token_lengths = speech()
  lengths = np.array([12, 9, 2])  # 'a a' needs three windows: a, blank, a
  masks = np.eye(3, dtype=np.float32)
  first, second, third = (ctc(logits, lengths, tokens, token_lengths, m) for m in masks)
  assert third == 0
  np.testing.assert_allclose(
    ctc(logits, lengths, tokens, token_lengths), (first + second) / 2, rtol=1e-5)
  gradient = jax.jit(jax.grad(losses.ctc))
  for windows, words in ((lengths, token_lengths), ([12, 9, 0], [4, 2, 0])):  # the last: padding
    grad = gradient(logits, jnp.array(windows), tokens, jnp.array(words))
    assert np.isfinite(np.asarray(grad)).all() and not np.asarray(grad)[2].any()


def test_ctc_learns_a_transcript():
  tokens, lengths = np.array([[2, 1]]), np.array([5])
  loss = jax.jit(jax.value_and_grad(
    lambda x: ctc(x, lengths, tokens, np.array([2]))))
  tx = optax.adam(0.3)
  x = jnp.zeros((1, 5, 3))
  opt = tx.init(x)
  for _ in range(60):
    value, grad = loss(x)
    update, opt = tx.update(grad, opt)
    x = x + update
  read = [k for k, _ in itertools.groupby(np.asarray(x)[0].argmax(-1)) if k]
  assert value < 0.1 and read == [2, 1]
