"""XLA's optimised gradients against plain ones: its fusion of a pooling of ours was wrong once."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.stages import build
from cemnet_jax.train.process import QUICK_COMPILE

NETS = {
  'syncnet': (build.syncnet, lambda size: [(6, 5, size, size, 3), (6, 13, 20)]),
  'identity_scorer': (build.identity, lambda size: [(6, size, size, 3)]),
  'audio_emotion': (build.audio_encoder, lambda size: [(6, 28, 12)]),
  'image_emotion': (build.image_emotion, lambda size: [(6, size, size, 3)])}


@pytest.mark.parametrize('stage', NETS)
def test_gradients_of_nets_with_pooling(stage):
  make, shapes = NETS[stage]
  cfg = importlib.import_module(f'configs.{stage}').get_config('debug')
  rng = np.random.default_rng(1)
  inputs = [rng.random(shape, np.float32) for shape in shapes(cfg.data.get('image_size', 0))]
  net = make(cfg.model)
  variables = jax.jit(lambda *x: net.init(jax.random.key(0), *x, train=False),
                      compiler_options=QUICK_COMPILE)(*inputs)

  def loss(params):
    out, _ = net.apply({**variables, 'params': params}, *inputs, train=True,
                       mutable=['batch_stats'], rngs={'dropout': jax.random.key(1)})
    return sum(jnp.vdot(jnp.cos(jnp.arange(x.size)), x.ravel()) / x.size
               for x in jax.tree.leaves(out))

  fast, plain = (jax.jit(jax.grad(loss), compiler_options=options)(variables['params'])
                 for options in (None, QUICK_COMPILE))
  largest = max(float(jnp.abs(x).max()) for x in jax.tree.leaves(plain))
  for a, b in zip(jax.tree.leaves(fast), jax.tree.leaves(plain)):
    scale = float(jnp.abs(b).max())
    # A bias in front of a norm has no gradient but rounding.
    if scale > 1e-4 * largest:
      np.testing.assert_allclose(a, b, atol=2e-3 * scale)
