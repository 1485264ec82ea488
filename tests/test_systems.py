"""The graphs of stages agree with the configs and can be trained in their order."""

import importlib

import pytest

from cemnet_jax.systems import STATISTICS, SYSTEMS, TALKERS


@pytest.mark.parametrize('system', SYSTEMS)
def test_needs_come_first(system):
  seen = set()
  for stage, node in SYSTEMS[system].items():
    assert set(node.needs) <= seen
    seen.add(stage)


@pytest.mark.parametrize('preset', ['paper', 'benchmark', 'quickstart', 'debug'])
def test_configs_agree_with_the_graph(preset):
  for nodes in SYSTEMS.values():
    for stage, node in nodes.items():
      cfg = importlib.import_module(f'configs.{node.config}').get_config(preset)
      assert cfg.stage == stage
      assert set(cfg.needs) == {*node.needs, *([STATISTICS] if node.statistics else [])}


def test_talkers_are_the_systems_with_a_renderer():
  assert TALKERS == ('cemnet', 'cemnet_no_ebm', 'cemnet_no_aee', 'a2m_renderer')


def test_order_of_the_main_system():
  assert list(SYSTEMS['cemnet']) == [
    'audio2mouth', 'audio_emotion', 'timbre', 'content', 'aee', 'image_emotion', 'identity',
    'ebm', 'renderer']
