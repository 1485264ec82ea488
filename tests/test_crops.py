"""The rule of the crops goes from the dataset to stages and videos, and two rules are refused."""

import shutil
from pathlib import Path

import pytest

from cemnet_jax import crops, train_system
from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import evaluation, run
from cemnet_jax.infer import loading
from cemnet_jax.train import chain, ckpt, loop
from tests.data.helpers import say_crop
from tests.infer.tiny_system import save_system

STABLE, IPLAP = 'synth_mead/mead_debug', 'mead/front_iplap'
SEEING = ('audio2mouth', 'image_emotion', 'identity', 'ebm', 'renderer')


@pytest.fixture(scope='module')
def data(debug_data, tmp_path_factory):
  """The debug worlds, and `mead/front_iplap`: the same whose metadata name the other rule."""
  data = tmp_path_factory.mktemp('data')
  shutil.copytree(debug_data / 'synth_mead', data / 'synth_mead')
  shutil.copytree(debug_data / STABLE, data / IPLAP)
  say_crop(data / IPLAP, 'iplap')
  return data


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('saved') / 'system')


@pytest.fixture
def system(saved, tmp_path):
  return shutil.copytree(saved, tmp_path / 'system')


def say(system, stages, **fields):
  """Changes fields of the stages' `data` config."""
  for stage in stages:
    config = ckpt.load_config(system / stage)
    ckpt.write_json(system / stage / ckpt.CONFIG, {**config, 'data': {**config['data'], **fields}})


def begun(monkeypatch, stage, data, workdir, dataset, **options):
  """The config with which a stage would begin to train."""
  begun = []
  monkeypatch.setattr(loop, 'fit', lambda stage, cfg, *a, **kw: begun.append(cfg))
  cfg = train_system.load_config(stage, 'debug')
  cfg.data.dataset = dataset
  for name, value in options.items():
    cfg.data[name] = value
  train_system.train_stage(cfg, data, workdir / stage)
  [cfg] = begun
  return ckpt.plain(cfg)


def test_the_rule_reaches_stage_checkpoint_and_video(data, system, tmp_path, monkeypatch):
  for dataset, rule in ((IPLAP, 'iplap'), (STABLE, 'stable')):
    assert Clips(data, dataset).crop == rule
    for stage in ('audio2mouth', 'image_emotion'):
      config = begun(monkeypatch, stage, data, tmp_path / rule, dataset)
      assert config['data']['crop'] == crops.of_config(config) == rule
      ckpt.write_json(system / stage / ckpt.CONFIG, config)
    say(system, SEEING, crop=rule)
    assert loading.load(system).crop == rule
    assert loading.load_mouth(system).crop == rule
  heard = begun(monkeypatch, 'audio_emotion', data, tmp_path, IPLAP)
  assert crops.of_config(heard) == '', 'it sees nothing'


def test_stages_of_before_are_stable(system):
  assert {crops.of_config(ckpt.load_config(system / stage)) for stage in SEEING} == {'stable'}
  assert crops.of_config({'data': {'kind': 'aee'}}) == ''
  assert crops.of_config({'data': {'image_size': 112}, 'imported': {}}) == '', 'nobody says it'
  assert loading.load(system).crop == 'stable'


@pytest.mark.parametrize('dataset, finished', [(STABLE, True), (STABLE, False), (IPLAP, False)])
def test_runs_of_before_go_on_where_their_data_are_stable(data, tmp_path, monkeypatch, dataset,
                                                          finished):
  stage, folder = 'image_emotion', tmp_path / 'image_emotion'
  old = begun(monkeypatch, stage, data, tmp_path, dataset)
  del old['data']['crop'], old['data']['labels']
  (folder / ckpt.FOLDER).mkdir(parents=True)
  ckpt.write_json(folder / ckpt.CONFIG, old)
  if finished:
    ckpt.write_json(folder / ckpt.DONE, {'step': 99, 'steps': 99, 'early_stopped': False})
    with pytest.raises(ValueError, match='not enough values'):
      begun(monkeypatch, stage, data, tmp_path, dataset)
  elif dataset == STABLE:
    begun(monkeypatch, stage, data, tmp_path, dataset)
  else:
    with pytest.raises(UserError, match="config changed.*data.crop 'stable' -> 'iplap'"):
      begun(monkeypatch, stage, data, tmp_path, dataset)


def test_two_rules_are_refused_in_training(data, system, tmp_path, monkeypatch):
  both = f'{STABLE}+{IPLAP}'
  with pytest.raises(UserError, match=f"{IPLAP} is of crops by the rule 'iplap', {STABLE} of crops "
                                      "by the rule 'stable'; .* cannot be seen together"):
    begun(monkeypatch, 'landmark_scorer', data, tmp_path, both)
  begun(monkeypatch, 'audio_emotion', data, tmp_path, both)  # hears them together
  with pytest.raises(UserError, match="image_emotion.data.crop is of crops by the rule 'stable'.*"
                                      'leave data.crop empty'):
    begun(monkeypatch, 'image_emotion', data, tmp_path, IPLAP, crop='stable')
  for stage in ('audio2mouth', 'aee', 'image_emotion', 'identity'):
    ckpt.write_json(system / stage / ckpt.DONE, {'step': 1, 'steps': 1, 'early_stopped': False})
  cfg = train_system.load_config('renderer', 'debug').unlock()
  cfg.data.dataset = IPLAP
  with pytest.raises(UserError, match=r"system/image_emotion is of crops by the rule 'stable', "
                                      f"{IPLAP} of .*'iplap'; renderer needs a dataset of"):
    train_system.train_stage(cfg, data, system / 'renderer_2')


def test_a_system_of_two_rules_is_refused_before_its_first_stage(data, tmp_path, monkeypatch):
  monkeypatch.setattr(train_system, 'train_stage', lambda *a, **kw: pytest.fail('it trains'))
  with pytest.raises(UserError, match=rf"{IPLAP} \(of image_emotion\) .* 'iplap', .*lrs_debug "
                                      r"\(of audio2mouth\) .*'stable'; a system has one rule"):
    train_system.train_system('cemnet', 'debug', data, tmp_path, mead=IPLAP)


def test_windows_of_two_lengths_are_refused_or_each_is_taken(data, system):
  say(system, ['renderer'], T=3)
  nets = loading.load(system)
  assert (nets.window, nets.render_window) == (5, 3)
  say(system, ['ebm'], T=7)
  with pytest.raises(UserError, match='ebm learned from windows of 7 frames, audio2mouth from such '
                                      'of 5; train ebm anew with --set ebm.data.T=5'):
    loading.load(system)


def test_a_memory_of_other_windows_than_its_mouths_is_refused(data, system):
  for stage in ('audio2mouth', 'aee', 'image_emotion', 'identity'):
    ckpt.write_json(system / stage / ckpt.DONE, {'step': 1, 'steps': 1, 'early_stopped': False})
  cfg = train_system.load_config('ebm', 'debug').unlock()
  cfg.data.T = 7
  with pytest.raises(UserError, match='audio2mouth: learned from windows of 5 frames, ebm is to '
                                      'learn from such of 7'):
    train_system.load_frozen(cfg, data, system / 'ebm', {}, {})


def test_two_rules_are_refused_where_a_system_is_used(system):
  say(system, ['renderer'], crop='iplap')
  for load in (loading.load, lambda folder: chain.check(chain.read_all(folder))):
    with pytest.raises(UserError, match=r"renderer in .* is of crops by the rule 'iplap', .* in .* "
                                        r"'stable'; one rule serves"):
      load(system)


def test_evaluating_on_another_rule_is_refused(data, system):
  places = evaluation.Places([system], data, IPLAP, 'synth_mead/lrs_debug')
  settings = run.Settings(protocols=('cross_emotion',), splits=('test',), clips=1, repetitions=1)
  with pytest.raises(UserError, match=f"system.* is of crops by the rule 'stable', {IPLAP} of "
                                      "crops by the rule 'iplap'"):
    evaluation.evaluate(places, settings, Path('nowhere'))
