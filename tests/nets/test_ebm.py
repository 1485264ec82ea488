"""Emotion Bridging Memory: addressing by numpy, where gradients go, what the flags change."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from cemnet_jax import losses
from cemnet_jax.nets.ebm import EmotionBridgingMemory, address, slot_entropy
from cemnet_jax.stages.build import memory as memory_of
from configs.ebm import get_config
from tests.nets.random_variables import random_variables

SMALL = {'slots': 6, 'dim': 16, 'hidden': 12}


def draw(*shape, seed=0):
  return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


CUES = (draw(2, 8, seed=1), draw(2, 10, seed=2), draw(2, 9, seed=3))
MOTION, DELTA = draw(2, 5, 114, seed=4), draw(2, 5, 114, seed=5)


def build(**flags):
  net = EmotionBridgingMemory(**SMALL | flags)
  return net, random_variables(net, MOTION, *CUES, DELTA, train=False)


@pytest.fixture(scope='module')
def memory():
  """(net, variables, apply); apply(variables, displacement or nothing) is compiled."""
  net, variables = build()
  return net, variables, jax.jit(lambda v, *d: net.apply(v, MOTION, *CUES, *d, train=False))


def test_addressing_against_numpy():
  query, slots = np.asarray(draw(2, 3, 4)), np.asarray(draw(5, 4, seed=1))
  cosine = np.einsum('btd,kd->btk', query, slots) / (
    np.linalg.norm(query, axis=-1)[..., None] * np.linalg.norm(slots, axis=-1))
  weights = np.exp(16 * cosine)
  weights /= weights.sum(-1, keepdims=True)
  got = address(jnp.asarray(query), jnp.asarray(slots), 16.0)
  np.testing.assert_allclose(got, weights, atol=1e-4)


def test_slot_entropy_of_even_and_single_use():
  assert np.isclose(slot_entropy(jnp.eye(6)[None]), np.log(6), atol=1e-5)
  assert np.isclose(slot_entropy(jnp.eye(6)[:1]), 0.0, atol=1e-5)


def test_starts_as_audio2mouth(memory):
  net, _, apply = memory
  start = jax.jit(lambda: net.init(jax.random.key(0), MOTION, *CUES, DELTA))()
  out = apply(start, DELTA)
  np.testing.assert_array_equal(out['mouth'], MOTION)
  np.testing.assert_array_equal(out['teacher'], MOTION)
  assert out['alpha_k'].shape == out['alpha_v'].shape == (2, 5, 6)
  assert out['f_delta'].shape == out['recalled'].shape == (2, 5, 16)


def test_inference_needs_no_displacement_and_gives_the_same_mouth(memory):
  _, variables, apply = memory
  full, short = apply(variables, DELTA), apply(variables)
  assert set(short) == {'mouth', 'alpha_k', 'slot_entropy'}
  np.testing.assert_allclose(short['mouth'], full['mouth'], atol=1e-6)
  assert np.abs(np.asarray(full['mouth'] - full['teacher'])).max() > 1e-3


def test_key_and_value_reads_use_the_value_memory(memory):
  _, variables, apply = memory
  out = apply(variables, DELTA)
  value = np.asarray(variables['params']['value'])
  np.testing.assert_allclose(out['recalled'], np.asarray(out['alpha_v']) @ value, atol=1e-5)


def test_stop_gradients(memory):
  _, variables, apply = memory

  def terms(params):
    out = apply(variables | {'params': params}, DELTA)
    return jnp.stack([losses.memory_reconstruction(out['f_delta'], out['recalled']),
                      losses.memory_alignment(out['alpha_k'], out['alpha_v'])])

  grads = jax.jit(jax.jacrev(terms))(variables['params'])
  size = {k: np.max([np.abs(x).reshape(2, -1).max(1) for x in jax.tree.leaves(g)], axis=0)
          for k, g in grads.items()}
  reconstruction, alignment = ({k for k, s in size.items() if s[i] > 1e-8} for i in range(2))
  assert 'value' in reconstruction and 'key' not in reconstruction
  assert {'key', 'query_0', 'audio_projection'} <= alignment
  assert 'value' not in alignment and 'displacement_0' not in alignment


def test_training_ignores_what_all_queries_and_displacements_share(memory):
  net, variables, _ = memory
  params = variables['params']
  moved = {name: {**params[name], 'bias': params[name]['bias'] + 3}
           for name in ('query_1', 'displacement_1')}

  @jax.jit
  def addresses(params):
    out, _ = net.apply(variables | {'params': params}, MOTION, *CUES, DELTA, train=True,
                       mutable=['batch_stats'])
    return out['alpha_k'], out['alpha_v']

  for before, after in zip(addresses(params), addresses(params | moved), strict=True):
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_literal_memory_addresses_by_features_as_they_are_and_reads_them_so(memory):
  _, ours, _ = memory
  net, variables = build(centred_addresses=False, read_norm=False)
  assert set(variables) == {'params'}  # no statistics
  params = variables['params']
  assert 'read_norm' not in params['decoder'] and 'read_norm' in ours['params']['decoder']
  out, _ = net.apply(variables, MOTION, *CUES, DELTA, train=True, mutable=['batch_stats'])
  np.testing.assert_array_equal(
    out['alpha_v'], address(out['f_delta'], params['value'], net.scale))
  moved = params | {'query_1': {**params['query_1'], 'bias': params['query_1']['bias'] + 3}}
  shifted = net.apply({'params': moved}, MOTION, *CUES, train=False)
  assert np.abs(shifted['alpha_k'] - out['alpha_k']).max() > 1e-2
  larger = net.apply({'params': params | {'value': 4 * params['value']}}, MOTION, *CUES,
                     train=False)
  assert np.abs(larger['mouth'] - out['mouth']).max() > 1e-2


def test_configs_without_these_fields_are_of_a_centred_memory():
  cfg = get_config('debug')
  older = ConfigDict({key: value for key, value in cfg.model.items()
                      if key not in ('centred_addresses', 'read_norm')})
  assert memory_of(older) == memory_of(cfg.model)
  assert memory_of(older) != memory_of(get_config('paper').model)


def test_size_of_the_read_does_not_matter(memory):
  _, variables, apply = memory
  larger = variables['params'] | {'value': 4 * variables['params']['value']}
  np.testing.assert_allclose(apply(variables | {'params': larger})['mouth'],
                             apply(variables)['mouth'], atol=1e-3)


def test_reconstruction_does_not_pull_the_target():
  f_delta, recalled = draw(2, 5, 16, seed=7), draw(2, 5, 16, seed=8)
  target, read = jax.grad(losses.memory_reconstruction, (0, 1))(f_delta, recalled)
  assert float(jnp.abs(target).max()) == 0.0 and float(jnp.abs(read).max()) > 0


def test_ablation_without_memory():
  net, variables = build(use_memory=False)
  assert not {'key', 'value', 'displacement_0'} & set(variables['params'])
  out = jax.eval_shape(lambda: net.apply(variables, MOTION, *CUES, DELTA, train=False))
  assert set(out) == {'mouth'}


def test_flags_change_the_query_and_the_residual():
  _, with_motion = build()
  net, without = build(query_includes_motion=False, residual=False)
  assert with_motion['params']['query_norm']['scale'].shape == (16,)
  assert without['params']['query_norm']['scale'].shape == (12,)
  zeroed = jax.tree.map(jnp.zeros_like, without)
  out = net.apply(zeroed, MOTION, *CUES, train=False)['mouth']
  assert not np.asarray(out).any()  # the motion does not get through by itself
