"""The baseline's own rules: when the sync loss enters, what it judges, one size for both nets."""

import jax
import numpy as np
import pytest

from cemnet_jax import stages
from cemnet_jax.errors import UserError


def test_sync_loss_enters_at_its_step(make_config, make_batch, make_frozen):
  cfg = make_config('wav2lip')
  cfg.loss.sync_from = 2
  stage = stages.load(cfg).make(cfg)
  batch, frozen = make_batch(cfg, 2), make_frozen(cfg, 2)
  state = jax.jit(stage.init)(jax.random.key(0), frozen, batch)
  step = jax.jit(stage.step)
  for number in range(4):
    state, m = step(state, frozen, batch, cfg.seed)
    weight = 0.03 if number >= 2 else 0.0
    want = (1 - weight) * float(m['l1']) + weight * float(m['sync'])
    assert float(m['loss']) == pytest.approx(want, rel=1e-5)
    assert float(m['sync']) > 0


def test_only_lower_halves_are_judged(make_config, make_batch, make_frozen):
  cfg = make_config('wav2lip')
  stage = stages.load(cfg).make(cfg)
  batch, frozen = make_batch(cfg, 2), make_frozen(cfg, 2)
  state = jax.jit(stage.init)(jax.random.key(0), frozen, batch)
  evaluate = lambda b: {name: float(average.compute()) for name, average
                        in jax.jit(stage.evaluate)(state, frozen, b).items()}
  base = evaluate(batch)
  half = cfg.data.image_size // 2
  upper, lower = batch['target'].copy(), batch['target'].copy()
  upper[..., :half, :, :], lower[..., half:, :, :] = 0, 0
  assert evaluate({**batch, 'target': upper})['sync_real'] == pytest.approx(base['sync_real'])
  changed = evaluate({**batch, 'target': lower})
  assert changed['sync_real'] != pytest.approx(base['sync_real'], rel=1e-4)
  assert changed['sync'] == pytest.approx(base['sync'])  # the generator never saw that half
  error = np.square((batch['reference'] / 255.0 - batch['target'] / 255.0)[..., half:, :, :])
  psnr = -10 * np.log10(error.mean((2, 3, 4))).mean()
  assert base['psnr_copied'] == pytest.approx(psnr, rel=1e-4)


def test_expert_of_another_size_is_one_clear_line(make_config):
  cfg = make_config('wav2lip')
  cfg.frozen.lip_expert.data.image_size = 48
  with pytest.raises(UserError, match='data.image_size=24: the lip expert was trained at 48 px'):
    stages.load(cfg).make(cfg)
