"""Wav2Lip's generator and lip expert: sizes, pictures they take, doubling convolutions."""

from functools import partial

import flax.linen as flax_nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.nets.layers import nearest_up
from cemnet_jax.nets.lip_expert import LipExpert, face_table
from cemnet_jax.nets.wav2lip import DoublingDeconv, Wav2Lip
from tests.nets.random_variables import random_variables

WIDTH = 0.0625
RNG = np.random.default_rng(0)


def test_doubling_is_a_transposed_convolution():
  x = RNG.normal(size=(2, 5, 4, 6)).astype(np.float32)
  slow = flax_nn.ConvTranspose(7, (3, 3), (2, 2), ((1, 2), (1, 2)))
  variables = random_variables(slow, x)
  np.testing.assert_allclose(DoublingDeconv(7).apply(variables, x), slow.apply(variables, x),
                             atol=1e-5)


def test_centred_start_doubles_like_nearest_neighbour():
  x = RNG.normal(size=(2, 4, 4, 6)).astype(np.float32)
  net = DoublingDeconv(6, centred=True)
  variables = net.init(jax.random.key(0), x)
  mixed = x @ variables['params']['kernel'][1, 1]
  want = np.asarray(nearest_up(mixed))
  assert np.abs(net.apply(variables, x) - want).mean() < 0.05 * np.abs(want).mean()


def test_parameter_counts_are_the_public_ones():
  spec = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
  for net, args, want in (
      (Wav2Lip(), [spec(1, 96, 96, 3)] * 2 + [spec(1, 80, 16)], 36_298_035),
      (LipExpert(), [spec(1, 5, 48, 96, 3), spec(1, 80, 16)], 16_435_072)):
    tree = jax.eval_shape(partial(net.init, train=False), jax.random.key(0), *args)['params']
    assert sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree)) == want


@pytest.mark.parametrize('size', [12, 24, 48, 96])
def test_smaller_pictures_leave_out_shallow_levels(size):
  spec = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
  run = lambda net, *x: net.init_with_output(jax.random.key(0), *x, train=False)
  out, tree = jax.eval_shape(
    lambda *x: run(Wav2Lip(WIDTH), *x), spec(2, size, size, 3), spec(2, size, size, 3),
    spec(2, 80, 16))
  assert out.shape == (2, size, size, 3)
  depth = int(np.log2(size // 3))
  levels = {name.split('_')[1] for name in tree['params'] if name.startswith('face')}
  assert len(levels) == depth + 2
  if size > 12:
    (face, speech), _ = jax.eval_shape(
      lambda *x: run(LipExpert(WIDTH, 16), *x), spec(2, 5, size // 2, size, 3), spec(2, 80, 16))
    assert face.shape == speech.shape == (2, 16)


@pytest.mark.parametrize('size', [20, 192, 3])
def test_other_sizes_are_refused(size):
  with pytest.raises(UserError, match='24, 48, 96'):
    face_table(size)
  picture = jnp.zeros((1, size, size, 3))
  with pytest.raises(UserError, match='12, 24, 48, 96 px'):
    jax.eval_shape(lambda: Wav2Lip().init(jax.random.key(0), picture, picture,
                                          jnp.zeros((1, 80, 16)), train=False))


def test_embeddings_are_unit_vectors_of_one_orthant():
  lower, mel = RNG.random((3, 5, 12, 24, 3), np.float32), np.zeros((3, 80, 16), np.float32)
  net = LipExpert(WIDTH, 16)
  for out in net.apply(random_variables(net, lower, mel, train=False), lower, mel, train=False):
    assert (np.asarray(out) >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 1, atol=1e-5)
