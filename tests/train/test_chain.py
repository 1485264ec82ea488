"""The chain of fingerprints: what it tells apart, and what is refused."""

import json
import shutil

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.train import chain, ckpt
from tests.infer.tiny_system import save_system


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('chain') / 'system')


@pytest.fixture
def system(saved, tmp_path):
  """The tiny system, whose memory says what it learned from."""
  folder = tmp_path / 'system'
  shutil.copytree(saved, folder)
  identity = {f'frozen.{need}': chain.read(folder / need).fingerprint
              for need in ('audio2mouth', 'aee', 'image_emotion', 'identity')}
  chain.begin(folder / 'ebm', {**identity, 'dataset.mead/front': '1.0.0 12'}, {'mead/W009'})
  return folder


def another(folder, stage):
  """Changes one parameter of a stage, as training it anew with equal steps would."""
  trained, step = ckpt.load_params(folder / stage), ckpt.best_step(folder / stage)
  from cemnet_jax.train.state import TrainState
  net = next(iter(trained['params']))
  leaf = next(iter(trained['params'][net].values()))
  while not hasattr(leaf, 'shape'):
    last, leaf = leaf, next(iter(leaf.values()))
  last[next(iter(last))] = np.asarray(leaf) + 1
  shutil.rmtree(folder / stage / ckpt.FOLDER)
  with ckpt.Checkpoints(folder / stage) as checkpoints:
    import jax
    checkpoints.save(jax.device_put(TrainState(
      step=np.int32(step), params=trained['params'], opt={}, stats=trained['stats'], ema={})),
      step, score=None, metadata={})
    checkpoints.wait()


def test_a_fingerprint_is_of_parameters_config_and_inputs(system):
  links = chain.read_all(system)
  assert len({link.fingerprint for link in links.values()}) == len(links) == 6
  assert chain.read(system / 'ebm') == links['ebm']
  assert chain.read(system / 'ebm', ckpt.load_params(system / 'ebm')) == links['ebm']
  config = json.loads((system / 'aee/config.json').read_text())
  for change, same in (({'steps': 99}, True), ({'seed': 99}, False)):
    ckpt.write_json(system / 'aee/config.json', {**config, **change})
    assert (chain.read(system / 'aee') == links['aee']) == same
  ckpt.write_json(system / 'aee/config.json', config)
  chain.begin(system / 'aee', {'frozen.timbre': '1'}, set())
  assert chain.read(system / 'aee').fingerprint != links['aee'].fingerprint


def test_a_stage_trained_anew_with_equal_steps_breaks_the_chain(system):
  chain.check(chain.read_all(system))
  known = chain.read(system / 'aee').fingerprint
  another(system, 'aee')
  links = chain.read_all(system)
  with pytest.raises(UserError, match=f'ebm was trained on another aee .{known}. than is here '
                                      f'.{links["aee"].fingerprint}.; train ebm anew'):
    chain.check(links)
  chain.check({name: link for name, link in links.items() if name != 'aee'})


def test_other_builds_and_known_speakers_are_refused(system):
  links = chain.read_all(system)
  chain.check_data(links, {'mead/front': '1.0.0 12', 'lrs2/main': '1.0.0 99'}, {'mead/M003'})
  with pytest.raises(UserError, match='ebm was trained on another build of the dataset .mead/front '
                                      '1.0.0 12 -> 1.1.0 34.; evaluate on that build'):
    chain.check_data(links, {'mead/front': '1.1.0 34'}, set())
  with pytest.raises(UserError, match='ebm was trained on 1 of the test speakers .mead/W009.'):
    chain.check_data(links, {'mead/left': '1.0.0 77'}, {'mead/W009', 'mead/M003'})


def test_an_export_tells_the_chain_without_people(system):
  link = chain.read(system / 'ebm')
  record = json.loads(json.dumps(link.recorded()))
  assert 'people' not in record
  assert chain.Link.of_record('out', record) == link._replace(folder='out', people=frozenset())
  assert chain.Link.of_record('out', {'step': 3, 'sha256': 'x'}).fingerprint == ''
