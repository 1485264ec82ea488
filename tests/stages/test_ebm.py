"""What the memory's stage hears and sees: a classifier's logits without AEE, blurred identities."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax import stages
from cemnet_jax.stages import build, ebm
from cemnet_jax.stages.supervised import variables


@pytest.mark.parametrize('name, width', [('ebm', 16), ('ebm_no_aee', 8)])
def test_the_emotion_of_speech_is_the_mean_over_its_windows(
    name, width, make_config, make_batch, make_frozen):
  cfg = make_config(name)
  batch, frozen = make_batch(cfg, 2), make_frozen(cfg)
  heard = jax.jit(ebm.features(cfg))(frozen, batch)['audio_emotion']
  tree = frozen[cfg.model.emotion_stage]
  encoder = build.audio_encoder(cfg.frozen[cfg.model.emotion_stage].model)
  net = 'emotion' if name == 'ebm' else 'encoder'
  wanted = encoder.apply(variables(tree, net), batch['mfcc'], train=False)
  if name == 'ebm_no_aee':  # "a commonly used emotion classifier with the last softmax removed"
    head = tree['params']['head']['linear']
    wanted = wanted @ head['kernel'] + head['bias']
  assert heard.shape == (2, width)
  np.testing.assert_allclose(heard, wanted.mean(1), rtol=1e-4, atol=1e-5)


def test_blurred_identities_are_as_far_away_as_asked():
  identity = jnp.eye(64)
  np.testing.assert_array_equal(ebm.blurred(identity, 0.0, jax.random.key(0)), identity)
  moved = ebm.blurred(identity, 2.0, jax.random.key(0)) - identity
  np.testing.assert_allclose(np.linalg.norm(moved, axis=-1).mean(), 2.0, rtol=0.05)


def test_identities_are_blurred_in_training_alone(make_config, make_batch, make_frozen):
  cfg = make_config('ebm')
  module, frozen = stages.load(cfg), make_frozen(cfg)
  batch = jax.jit(module.features(cfg))(frozen, make_batch(cfg, 4))
  found = {}
  for noise in (0.0, 2.0):
    cfg.model.identity_noise = noise
    stage = module.make(cfg)
    state = stage.init(jax.random.key(0), frozen, batch)
    values = jax.jit(stage.evaluate)(state, frozen, batch)
    step = jax.jit(stage.step)
    after, _ = step(state, frozen, batch, 0)  # the decoder starts at zero: the second step differs
    found[noise] = values, step(after, frozen, batch, 0)[1]['loss']
  chex.assert_trees_all_equal(found[0.0][0], found[2.0][0])
  assert found[0.0][1] != found[2.0][1]
