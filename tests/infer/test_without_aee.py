"""The ablation without AEE: a classifier's logits are what the memory hears."""

import importlib

import jax
import numpy as np
import pytest

from cemnet_jax.infer import forward, loading
from cemnet_jax.nets.audio_encoder import AudioEncoder
from cemnet_jax.stages import build
from cemnet_jax.topology import EMOTIONS
from cemnet_jax.weights.export_tables import counterpart
from tests.infer import tiny_system


@pytest.fixture(scope='module')
def nets(tmp_path_factory):
  folder = tiny_system.save_system(tmp_path_factory.mktemp('no_aee'))
  cfg = {name: importlib.import_module(f'configs.{name}').get_config('debug')
         for name in ('audio_emotion', 'ebm_no_aee', 'identity', 'image_emotion')}
  classifier, _ = build.heard_emotion('audio_emotion', cfg['audio_emotion'].model)
  zeros = lambda *shape: np.zeros(shape, np.float32)
  tiny_system.save_stage(folder, cfg['audio_emotion'], None, classifier, (zeros(1, 28, 12),), {})
  picture, identity = 8 * cfg['image_emotion'].model.width, cfg['identity'].model.dim
  inputs = zeros(1, 5, 114), zeros(1, len(EMOTIONS)), zeros(1, picture), zeros(1, identity)
  prototypes = {'sum': np.eye(8, dtype=np.float32), 'count': np.ones(8, np.float32)}
  tiny_system.save_stage(folder, cfg['ebm_no_aee'], 'memory', build.memory(cfg['ebm_no_aee'].model),
                         inputs, {'prototypes': prototypes})
  return loading.load(folder, 'cemnet_no_aee')


def test_speech_is_heard_as_mean_logits(nets):
  voice = nets.bridge.voice
  mfcc = np.random.default_rng(0).normal(0, 20, (7, 28, 12)).astype(np.float32)
  tree = voice.variables
  encoder = AudioEncoder(voice.module.width, voice.module.hidden, voice.module.embedding)
  embedding = encoder.apply({k: v['encoder'] for k, v in tree.items()}, mfcc, train=False)
  linear = tree['params']['head']['linear']
  wanted = (embedding @ linear['kernel'] + linear['bias']).mean(0, keepdims=True)
  heard = forward.speech_emotion(nets.bridge, mfcc)
  assert heard.shape == (1, len(EMOTIONS))
  np.testing.assert_allclose(heard, wanted, rtol=1e-4, atol=1e-4)


def test_its_tensors_have_names_for_pytorch(nets):
  voice = nets.bridge.voice
  table = counterpart(voice.module, voice.variables)
  heads = {entry.path[:2] for entry in table.entries if 'head' in entry.tensor}
  assert heads == {('params', 'head')}
  leaves = jax.tree.leaves(voice.variables)
  assert len({entry.path for entry in table.entries}) == len(leaves)
