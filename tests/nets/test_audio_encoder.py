"""Audio encoders, decoder and heads: shapes, ranges, padding; numbers are in test_torch_parity."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.nets.audio_encoder import AudioDecoder, AudioEncoder, ClassHead, TranscriptHead
from tests.nets.random_variables import random_variables


def draw(*shape, scale=1.0):
  return jnp.asarray(scale * np.random.default_rng(0).normal(size=shape), jnp.float32)


def test_encoder_keeps_leading_axes_and_is_a_map_of_windows():
  net = AudioEncoder(width=0.125, hidden=(16, 12), dim=8)
  x = draw(2, 3, 28, 12, scale=10.0)
  variables = random_variables(net, x, train=False)
  apply = jax.jit(lambda x: net.apply(variables, x, train=False))
  out = np.asarray(apply(x))
  assert out.shape == (2, 3, 8) and out.min() >= 0  # the last layer is a ReLU
  np.testing.assert_allclose(apply(x[:, ::-1])[:, ::-1], out, atol=1e-4)


def test_training_sees_the_same_with_and_without_padding():
  net = AudioEncoder(width=0.125, hidden=(16, 12), dim=8)
  x, padding = draw(2, 6, 28, 12, scale=10.0), np.zeros((2, 3, 28, 12), np.float32)
  variables = random_variables(net, x, train=False)

  def run(x, mask):
    return jax.jit(lambda x, mask: net.apply(
      variables, x, train=True, mask=mask, mutable=['batch_stats']))(x, mask)

  wanted, statistics = run(x, None)
  mask = jnp.broadcast_to(jnp.arange(9) < 6, (2, 9)).astype(jnp.float32)
  out, new = run(jnp.concatenate([x, padding], 1), mask)
  assert np.abs(wanted).max() > 0.1
  np.testing.assert_allclose(out[:, :6], wanted, rtol=1e-4, atol=1e-4)
  for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(statistics), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_decoder_is_bounded_by_ninety():
  net = AudioDecoder(width=0.125)
  z = draw(2, 2, 24, scale=100.0)
  variables = random_variables(net, z, train=False)
  out = np.asarray(jax.jit(lambda z: net.apply(variables, z, train=False))(z))
  assert out.shape == (2, 2, 28, 12)
  assert 1 < np.abs(out).max() <= 90


def test_transcript_head_does_not_hear_the_padding():
  net = TranscriptHead(hidden=6, vocab=5)
  x, lengths = draw(2, 7, 4), jnp.array([4, 7])
  variables = random_variables(net, x, lengths)
  apply = jax.jit(lambda x, n: net.apply(variables, x, n))
  out, other = apply(x, lengths), apply(x.at[0, 4:].set(9.0), lengths)
  assert out.shape == (2, 7, 5)
  np.testing.assert_allclose(out[0, :4], other[0, :4], atol=1e-6)
  # Both directions are used: the first window hears the last valid one, the last hears the first.
  back, ahead = apply(x.at[:, 0].add(1.0), lengths), apply(x.at[0, 3].add(1.0), lengths)
  assert np.abs(np.asarray(back - out))[0, 3].max() > 1e-6
  assert np.abs(np.asarray(ahead - out))[0, 0].max() > 1e-6


def test_class_head_is_linear():
  net, x = ClassHead(8), draw(3, 4)
  variables = random_variables(net, x)
  linear = variables['params']['linear']
  want = np.asarray(x) @ np.asarray(linear['kernel']) + np.asarray(linear['bias'])
  np.testing.assert_allclose(net.apply(variables, x), want, atol=1e-5)
