"""The renderer's stage: what its mouth term sees, and how it is measured."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.stages import renderer
from cemnet_jax.train.process import QUICK_COMPILE


def test_psnr_of_the_mouth_is_that_of_the_box_cut_out():
  rng = np.random.default_rng(0)
  images, target = (rng.random((2, 16, 16, 3), np.float32) for _ in range(2))
  lips = np.tile(np.float32([[0.26, 0.51], [0.74, 0.70]]), (2, 1, 1))
  box = renderer.lips_box({'lips': lips}, target)
  found = renderer.psnr_mouth(images, target, box)
  cut = lambda x: x[8:12, 4:12]  # 0.49 to 0.72 and 0.24 to 0.76 of 16 pixels
  for i in range(2):
    want = peak_signal_noise_ratio(cut(target[i]), cut(images[i]), data_range=1)
    assert found[i] == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize('name', ['mouth', 'unseen'])
def test_the_mouth_weighs_in_the_loss_once_the_warm_up_is_over(name, make_config, make_batch):
  cfg = make_config('renderer')
  cfg.loss.update(dict.fromkeys(('warp', *renderer.PAINTED), 0.0))
  cfg.loss[name] = 7.0
  batch, frozen = make_batch(cfg, 2), inputs.drawn_frozen(cfg, speakers=5)
  stage = stages.load(cfg).make(cfg)
  state = inputs.drawn_state(stage, frozen, batch)

  @partial(jax.jit, compiler_options=QUICK_COMPILE)
  def terms(step):
    _, metrics = stage.step(state.replace(step=step), frozen, batch, cfg.seed)
    return metrics['loss'], metrics[name]

  loss, mouth = map(float, terms(jnp.int32(cfg.loss.warmup_steps - 1)))
  assert loss == 0 and mouth > 0
  loss, mouth = map(float, terms(jnp.int32(cfg.loss.warmup_steps)))
  assert loss == pytest.approx(7 * mouth, rel=1e-5)
