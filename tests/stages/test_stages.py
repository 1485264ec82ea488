"""Every stage: the paper's sizes trace, a step keeps shapes and gives what it gave, one batch is
overfitted."""

import json
import os

import chex
import jax
import numpy as np
import pytest

from cemnet_jax import stages
from tests.stages import golden

NAMES = golden.NAMES
GOLDEN = json.loads(golden.FILE.read_text())
# Those where preset `paper` trains otherwise than `full`.
PAPERS = ('audio2mouth', 'aee', 'ebm', 'ebm_direct', 'ebm_no_aee', 'renderer')
# loss after / loss before on one batch: random labels and pictures can only be memorised
OVERFIT = {'audio2mouth': (60, 3e-3, 0.5), 'audio_emotion': (30, 3e-3, 0.3),
           'timbre': (30, 3e-3, 0.3), 'content': (60, 3e-3, 0.6), 'aee': (60, 3e-3, 0.75),
           'image_emotion': (60, 3e-3, 0.75), 'identity': (40, 3e-3, 0.5),
           'ebm': (60, 3e-3, 0.6), 'ebm_direct': (60, 3e-3, 0.6), 'ebm_no_aee': (60, 3e-3, 0.6),
           'renderer': (40, 3e-3, 0.8),
           'syncnet': (60, 1e-3, 0.3), 'emotion_scorer': (60, 3e-3, 0.75),
           'identity_scorer': (40, 3e-3, 0.5), 'landmark_scorer': (60, 3e-3, 0.5),
           'lip_expert': (40, 3e-3, 0.5), 'wav2lip': (40, 3e-3, 0.7)}


@pytest.mark.parametrize(('name', 'preset'), [
  *((name, 'full') for name in NAMES), *((name, 'paper') for name in PAPERS)])
def test_papers_sizes_trace(name, preset, make_config, make_batch, shapes_of_frozen):
  cfg = make_config(name, preset)
  stage = stages.load(cfg).make(cfg)
  batch, frozen = make_batch(cfg, 2), shapes_of_frozen(cfg)
  state = jax.eval_shape(stage.init, jax.random.key(0), frozen, batch)
  new, metrics = jax.eval_shape(stage.step, state, frozen, batch, cfg.seed)
  chex.assert_trees_all_equal_shapes_and_dtypes(new, state)
  chex.assert_rank(list(metrics.values()), 0)
  assert 'loss' in metrics
  values = jax.eval_shape(stage.evaluate, state, frozen, batch)
  if stage.score:
    values = stage.score({k: np.zeros(v.shape, v.dtype) for k, v in values.items()})
  assert not cfg.best or cfg.best.removeprefix('+') in values  # without one the last step counts


@pytest.mark.skipif('CEMNET_PAPER_STEP' not in os.environ,
                    reason='takes eleven minutes on two cores: set CEMNET_PAPER_STEP=1')
@pytest.mark.parametrize('name', NAMES)
def test_paper_preset_makes_a_step(name, make_config, make_batch, make_frozen):
  cfg = make_config(name, 'paper')
  stage = stages.load(cfg).make(cfg)
  batch, frozen = make_batch(cfg, 2), make_frozen(cfg)
  state = jax.jit(stage.init)(jax.random.key(0), frozen, batch)
  before = jax.device_get(state.params)
  state, metrics = jax.jit(stage.step, donate_argnums=0)(state, frozen, batch, cfg.seed)
  assert np.isfinite(list(map(float, metrics.values()))).all(), metrics
  moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), before, state.params)
  assert all(max(jax.tree.leaves(net)) > 0 for net in moved.values()), moved
  print(name, {k: round(float(v), 4) for k, v in metrics.items()})


@pytest.mark.slow
@pytest.mark.parametrize('name', OVERFIT)
def test_a_step_is_golden_and_many_overfit_one_batch(name, make_config, make_batch, make_frozen):
  steps, lr, target = OVERFIT[name]
  cfg = make_config(name)
  cfg.steps, cfg.optimizer.lr = steps, lr
  if name == 'renderer':
    cfg.loss.warmup_steps, cfg.disc_optimizer.lr = 0, 1e-5
  stage = stages.load(cfg).make(cfg)
  features = getattr(stages.load(cfg), 'features', None)
  features = features and jax.jit(features(cfg))
  given = golden.arguments(cfg, stage, features)
  traced = jax.jit(stage.step, donate_argnums=0).trace(*given)
  # XLA has no deterministic form of it on GPUs: `config.deterministic` would fail.
  assert 'select_and_scatter' not in traced.lower(lowering_platforms=('cuda',)).as_text()
  step = traced.lower().compile()
  changed = golden.differences(golden.measured(step, given, cfg), GOLDEN[name]['step'])
  assert not changed, 'if this is meant: python -m tests.stages.golden --reason "why"'

  size = 4
  batch, frozen = make_batch(cfg, size), make_frozen(cfg, size)
  batch = features(frozen, batch) if features else batch
  state = jax.jit(stage.init)(jax.random.key(0), frozen, batch)
  history = []
  for _ in range(steps):
    state, metrics = step(state, frozen, batch, cfg.seed)
    history.append(float(metrics['loss']))
  assert np.isfinite(history).all()
  assert np.mean(history[-3:]) < target * np.mean(history[:2]), history
  values = jax.jit(stage.evaluate)(state, frozen, batch)
  if stage.score:
    found = stage.score(jax.device_get(values) | {'speaker': np.arange(size) // 2})
    assert found and np.isfinite(list(found.values())).all()
  else:
    assert all(np.isfinite(average.compute()) and average.count > 0 for average in values.values())
