"""What preset `paper` asks of the stages: at small sizes they train, and are literal."""

from functools import partial

import jax
import numpy as np
import pytest

from benchmarks import presets
from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.nets.renderer import FlowModule
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import variables
from cemnet_jax.train.process import QUICK_COMPILE

jit = partial(jax.jit, compiler_options=QUICK_COMPILE)


def papers_way(cfg):
  """`cfg` and its frozen stages with all of what `paper` does otherwise than `full`."""
  ours, papers = (presets.fields(cfg.stage, preset) for preset in ('full', 'paper'))
  changed = {name: value for name, value in papers.items()
             if value != ours[name] and name != 'data.dataset'}
  cfg.update_from_flattened_dict(changed)
  for frozen in cfg.frozen.values():
    papers_way(frozen)
  return cfg


@pytest.fixture
def small(make_config, make_batch):
  """small(name) -> (cfg, stage, frozen, batch, state) of the paper's algorithm."""
  def made(name, **model):
    cfg = papers_way(make_config(name))
    cfg.model.update(model)
    stage, frozen = stages.load(cfg).make(cfg), inputs.drawn_frozen(cfg, speakers=5)
    batch = make_batch(cfg, 4)
    if hasattr(stages.load(cfg), 'features'):  # the frozen nets would take longest to compile
      shapes = jax.eval_shape(stages.load(cfg).features(cfg), frozen, batch)
      batch = inputs.drawn(shapes) | {name: batch[name] for name in shapes.keys() & batch.keys()}
    return cfg, stage, frozen, batch, inputs.drawn_state(stage, frozen, batch)
  return made


@pytest.mark.slow
@pytest.mark.parametrize('name', ['audio2mouth', 'aee', 'ebm', 'renderer'])
def test_the_papers_algorithm_makes_a_step_at_small_sizes(name, small):
  cfg, stage, frozen, batch, state = small(name)
  assert not state.ema
  if name == 'renderer':
    state = state.replace(step=np.int32(cfg.loss.warmup_steps))
    assert set(frozen) == {'vgg19'}
  after, metrics = jit(stage.step)(state, frozen, batch, cfg.seed)
  assert np.isfinite(list(map(float, metrics.values()))).all(), metrics
  moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state.params, after.params)
  assert all(max(jax.tree.leaves(net)) > 0 for net in moved.values()), moved
  values = jit(stage.evaluate)(after, frozen, batch)
  assert all(np.isfinite(average.compute()) and average.count > 0 for average in values.values())


def test_audio2mouth_sees_landmarks_as_they_are_in_the_crop(small):
  cfg, stage, frozen, batch, state = small('audio2mouth', dropout=0.0)
  assert frozen == {} and state.stats['landmarks'] == {}
  values = jit(stage.evaluate)(state, frozen, batch)
  net = build.audio2mouth(cfg.model)
  tree = {'params': state.params, 'stats': state.stats}
  mouth = net.apply(variables(tree, 'a2m'), batch['mel'], batch['pose'], batch['ref_landmarks'],
                    train=False)
  np.testing.assert_allclose(values['l1'].compute(), np.abs(mouth - batch['content']).mean(),
                             rtol=1e-4)


@pytest.mark.parametrize('natural', [False, True])
def test_aee_hears_aligned_windows_or_those_as_spoken(natural, small):
  _, stage, frozen, batch, state = small('aee', natural=natural)
  step = jit(stage.step)
  other = batch | {'natural': batch['natural'][:, :, :, :, ::-1] + 1}
  first, second = (step(state, frozen, b, 0)[1] for b in (batch, other))
  for name in ('emotion', 'timbre', 'reconstruction'):
    assert (first[name] == second[name]) == (not natural), name
  assert first['triplet'] == second['triplet']


@pytest.mark.parametrize('centred', [False, True])
def test_a_centred_start_alone_makes_the_pixels_of_a_shuffle_alike(centred):
  net = FlowModule(8, 16, 8, centred=centred)

  def motion(net, images, known, wanted):
    return net.motion(net.encode(images, known, False), wanted)

  @jit
  def init(key):
    return net.init(key, np.zeros((1, 2, 8, 8, 3)), np.zeros((1, 2, 8, 8)),
                    np.zeros((1, 8, 8, 5)), method=motion)

  kernel = init(jax.random.key(0))['params']['spade_2']['conv_2']['kernel']
  alike = kernel.reshape(*kernel.shape[:-1], -1, 4)
  assert bool((alike == alike[..., :1]).all()) == centred

