"""The graphs of stages agree with the configs and can be trained in their order."""

import importlib

import pytest

from cemnet_jax.data.order import HELD_OUT
from cemnet_jax.evaluate.cases import SPLITS
from cemnet_jax.systems import STATISTICS, SYSTEMS, TALKERS
from configs.common import PRESETS


@pytest.mark.parametrize('system', SYSTEMS)
def test_needs_come_first(system):
  seen = set()
  for stage, node in SYSTEMS[system].items():
    assert set(node.needs) <= seen
    seen.add(stage)


@pytest.mark.parametrize('preset', PRESETS)
def test_configs_agree_with_the_graph(preset):
  for nodes in SYSTEMS.values():
    for stage, node in nodes.items():
      cfg = importlib.import_module(f'configs.{node.config}').get_config(preset)
      assert cfg.stage == stage
      assert set(cfg.needs) == {*node.needs, *([STATISTICS] if node.statistics else [])}


@pytest.mark.parametrize('preset', PRESETS)
def test_no_stage_chooses_its_checkpoint_on_a_split_that_is_reported(preset):
  stages = {node.config for nodes in SYSTEMS.values() for node in nodes.values()}
  splits = {name: importlib.import_module(f'configs.{name}').get_config(preset).eval_split
            for name in stages}
  assert {'val'} <= set(splits.values()) <= {'val', HELD_OUT}
  assert not set(splits.values()) & set(SPLITS)
  assert splits['timbre'] == HELD_OUT


def test_talkers_are_the_systems_with_a_renderer():
  assert TALKERS == ('cemnet', 'cemnet_no_ebm', 'cemnet_no_aee', 'a2m_renderer')


def test_order_of_the_main_system():
  assert list(SYSTEMS['cemnet']) == [
    'audio2mouth', 'audio_emotion', 'timbre', 'content', 'aee', 'image_emotion', 'identity',
    'ebm', 'renderer']
