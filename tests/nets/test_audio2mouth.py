"""Audio2Mouth: the rows of spec A.1, and which token may reach which mouth point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets.audio2mouth import POSE_TABLE, REF_TABLE, Audio2Mouth, PostNormLayer
from cemnet_jax.nets.layers import MEL_TABLE
from tests.nets.random_variables import random_variables

SMALL = {'width': 0.25, 'dim': 32, 'heads': 2, 'layers': 1, 'ffn': 64}


def inputs(b=2, t=2, n=2):
  rng = np.random.default_rng(0)
  return [jnp.asarray(rng.normal(size=s), jnp.float32)
          for s in ((b, t, 80, 16), (b, t, 74, 2), (b, n, 131, 2))]


def init_shapes(net):
  return jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, train=False), *inputs())


@pytest.fixture(scope='module')
def small():
  """(apply, random variables) of a slim net."""
  net = Audio2Mouth(**SMALL)
  apply = jax.jit(lambda v, *x: net.apply(v, *x, train=False))
  return apply, random_variables(net, *inputs(), train=False)


def test_rows_of_appendix_a1():
  assert [row[0] for row in REF_TABLE] == (
    [4] + [8] * 3 + [16] * 3 + [32] * 3 + [64] * 3 + [128] * 3 + [256] * 2 + [512] * 2)
  assert [row[0] for row in POSE_TABLE] == (
    [4] + [8] * 3 + [16] * 3 + [32] * 3 + [64] * 3 + [128] * 3 + [256] * 3 + [512] * 2)
  assert [i for i, row in enumerate(REF_TABLE) if row[2] == 2] == [1, 4, 7, 10, 13, 16]
  assert [i for i, row in enumerate(POSE_TABLE) if row[2] == 2] == [4, 7, 10, 13, 16]
  residual = [i for i, row in enumerate(POSE_TABLE) if row[4]]
  assert residual == [2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20]
  assert len(MEL_TABLE) == 13


def test_references_have_no_order(small):
  apply, variables = small
  mel, pose, ref = inputs()
  a, b = apply(variables, mel, pose, ref), apply(variables, mel, pose, ref[:, ::-1])
  assert a.shape == (2, 2, 57, 2)
  np.testing.assert_allclose(a, b, atol=1e-5)
  assert np.abs(np.asarray(a - apply(variables, mel, pose, ref * 2))).max() > 1e-4


def test_lips_read_audio_tokens_and_jaw_pose_tokens(small):
  apply, variables = small
  layer = variables['params']['layer_0']
  silent = jax.tree.map(np.zeros_like, layer['attention'])  # then no token sees another
  variables = variables | {
    'params': variables['params'] | {'layer_0': layer | {'attention': silent}}}
  mel, pose, ref = inputs()
  moved = np.asarray(apply(variables, mel * 2, pose, ref) - apply(variables, mel, pose, ref))
  moved = np.abs(moved).max((0, 1, 3)) > 1e-6
  assert not moved[:17].any() and moved[17:].all()


def test_any_number_of_references_and_frames():
  net = Audio2Mouth(**SMALL)
  variables = init_shapes(net)
  out = jax.eval_shape(lambda v, *x: net.apply(v, *x, train=False), variables,
                       *inputs(b=1, t=7, n=1))
  assert out.shape == (1, 7, 57, 2)


def test_paper_head_is_one_linear_layer():
  params = init_shapes(Audio2Mouth(**SMALL | {'head': 'paper'}))['params']
  assert params['mouth']['kernel'].shape == (32, 114)
  assert 'lips' not in params and 'jaw' not in params


def test_dropout_only_in_training():
  net, x = PostNormLayer(2, 16, 0.5), jnp.ones((1, 3, 8))
  variables = random_variables(net, x, train=False)
  train = jax.jit(lambda k: net.apply(variables, x, train=True, rngs={'dropout': k}))
  a, b = (train(jax.random.key(k)) for k in range(2))
  assert np.abs(np.asarray(a - b)).max() > 1e-3
  jax.eval_shape(lambda: net.apply(variables, x, train=False))  # asks for no random key
