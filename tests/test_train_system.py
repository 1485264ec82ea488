"""Systems of toy stages: trained in order, skipped, resumed, refused; flags and commands."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cemnet_jax import cli, files, train_system
from cemnet_jax.errors import UserError
from cemnet_jax.systems import Node
from cemnet_jax.train import ckpt, loop
from tests.train import toy

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def toys(monkeypatch):
  """Two toy stages as system 'toys': 'second' reads 'first' and the statistics."""
  def load(name, preset):
    cfg = toy.config(stage=name, module='toy', preset=preset, steps=2)
    cfg.data.dataset, cfg.model.classes = 'synth/a+synth/b', train_system.SPEAKERS
    cfg.needs = {'first': (), 'second': ('first', 'statistics')}[name]
    cfg.pool.batches = {'first': 0, 'second': 3}[name]
    return cfg.lock()

  class Stage:
    """The toy stage; checks what it is given."""
    seen = []

    @classmethod
    def make(cls, cfg):
      cls.seen.append(cfg)
      stage = toy.make(cfg)

      def init(key, frozen, batch):
        if cfg.stage == 'second':
          assert frozen['first']['params']['critic']['Dense_0']['kernel'].shape == (16, 1)
          assert frozen['statistics']['mean'].shape == (2,) and 'extra' in batch
        return stage.init(key, frozen, batch)

      def step(state, frozen, batch):
        return stage.step(state, {**frozen, **toy.FROZEN}, batch)
      return stage._replace(init=init, step=step)

    @staticmethod
    def features(cfg):
      return lambda frozen, batch: {
        **batch, 'extra': batch['mask'] + frozen['statistics']['mean'][0]}

  class Speakers:
    num_train_speakers = 5

  pipeline = importlib.import_module('cemnet_jax.data.pipeline')
  source = importlib.import_module('cemnet_jax.data.source')
  monkeypatch.setattr(pipeline, 'make_dataset', lambda cfg, data_dir, split, **kw: toy.Data())
  monkeypatch.setattr(pipeline, 'open_clips', lambda data_dir, name: (Speakers, None))
  monkeypatch.setattr(source, 'dataset_path', lambda data_dir, name: Path(data_dir) / '1.2.3')
  monkeypatch.setitem(sys.modules, 'cemnet_jax.stages.toy', Stage)
  monkeypatch.setattr(train_system, 'load_config', load)
  monkeypatch.setattr(train_system, '_make_statistics', lambda *a: {'mean': np.zeros(2)})
  monkeypatch.setitem(train_system.SYSTEMS, 'toys',
                      {'first': Node('first'), 'second': Node('second', ('first',), True)})
  Stage.seen.clear()
  return Stage


def test_trains_in_order_skips_and_goes_on(toys, tmp_path, capsys):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  assert [cfg.stage for cfg in toys.seen] == ['first', 'second']
  assert toys.seen[1].frozen.first.model.classes == toys.seen[1].model.classes == 5
  assert {p.name for p in tmp_path.iterdir()} == {'first', 'second', 'statistics.npz'}
  assert json.loads((tmp_path / 'second/config.json').read_text())['frozen']['first']['steps'] == 2
  assert '[2/2] second  2/2' in capsys.readouterr().out
  toys.seen.clear()
  train_system.train_system('toys', 'debug', 'data', tmp_path, ('second.steps=3',))
  assert [cfg.stage for cfg in toys.seen] == ['second']
  assert 'first: finished before' in capsys.readouterr().out
  assert loop.finished(tmp_path / 'second', toy.config(steps=3))
  with pytest.raises(UserError, match='dataset.synth/a'):
    patch = pytest.MonkeyPatch()
    with patch.context() as p:
      p.setattr('cemnet_jax.data.source.dataset_path', lambda d, n: Path('2.0.0'))
      train_system.train_system('toys', 'debug', 'data', tmp_path, ('*.steps=4',))


def test_two_runs_in_one_folder_are_noticed(toys, tmp_path):
  with files.locked(tmp_path / 'first'), pytest.raises(
      UserError, match='first: process .* works in this folder'):
    train_system.train_system('toys', 'debug', 'data', tmp_path)
  train_system.train_system('toys', 'debug', 'data', tmp_path)  # and the lock went with its holder
  with files.locked(tmp_path / 'first'):  # a finished stage is read while another run holds it
    train_system.train_system('toys', 'debug', 'data', tmp_path)


def test_imported_stages_are_taken_as_they_are(toys, tmp_path, capsys):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  config, done = (tmp_path / 'first' / name for name in ('config.json', ckpt.DONE))
  config.write_text(json.dumps(json.loads(config.read_text()) | {'imported': {'file': 'x.pth'}}))
  shutil.rmtree(tmp_path / 'second')
  with pytest.raises(UserError, match='imported'):  # a run of ours does not go on with it
    train_system.train_system('toys', 'debug', 'data', tmp_path)
  done.write_text(json.dumps(json.loads(done.read_text()) | {'imported': {'file': 'x.pth'}}))
  toys.seen.clear()
  train_system.train_system('toys', 'debug', 'data', tmp_path, ('first.steps=9',))
  assert [cfg.stage for cfg in toys.seen] == ['second']
  assert '[1/2] first: imported' in capsys.readouterr().out


def test_refusals(toys, tmp_path):
  train = train_system.train_system
  with pytest.raises(UserError, match="--system: unknown 'toy', use one of cemnet"):
    train('toy', 'debug', 'data', tmp_path)
  with pytest.raises(UserError, match='Did you mean "steps" instead of "step"'):
    train('toys', 'debug', 'data', tmp_path, ('*.step=4',))
  with pytest.raises(UserError, match='optimizer.lr=fast'):
    train('toys', 'debug', 'data', tmp_path, ('first.optimizer.lr=fast',))
  for key, number in (('steps', -1), ('batch_size', 0), ('log_every', 0)):
    with pytest.raises(UserError, match=f'config {key}={number}: at least 1 is needed'):
      train('toys', 'debug', 'data', tmp_path, (f'first.{key}={number}',))
  with pytest.raises(UserError, match='config optimizer.lr=inf: a finite number is needed'):
    train('toys', 'debug', 'data', tmp_path, ('first.optimizer.lr=1e999',))
  with pytest.raises(UserError, match='write STAGE.KEY=VALUE'):
    train('toys', 'debug', 'data', tmp_path, ('third.steps=4',))
  cfg = train_system.load_config('second', 'debug')
  with pytest.raises(UserError, match=r'second needs the trained stage first.*run_train.py '
                                      r'--config=configs/first.py:debug.*--frozen first=DIR'):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')
  (tmp_path / 'first/checkpoints').mkdir(parents=True)
  with pytest.raises(UserError, match='first, which is not finished'):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')


def run_train(*args):
  return subprocess.run([sys.executable, 'run_train.py', *args], cwd=ROOT, capture_output=True,
                        text=True, timeout=600)


@pytest.mark.parametrize('args, words', [
  (['--config=configs/timbre.py:debug', '--config.step=3'], 'Did you mean "steps"'),
  (['--config=configs/timbre.py:tiny'], "preset: unknown 'tiny'"),
  (['--config=configs/timber.py', '--data=d', '--workdir=w'], 'timber.py'),
  (['--config=configs/timbre.py:debug', '--workdir=w', '--dat=d'], 'dat'),
  (['--config=configs/timbre.py:debug', '--data=absent'], '--workdir is missing'),
  (['--config=configs/timbre.py:debug', '--data=absent', '--workdir=/proc/x'], 'absent'),
])
def test_wrong_flags_give_one_line(args, words):
  result = run_train(*args)
  assert result.returncode == 2, result.stderr
  assert result.stderr.startswith('cemnet: error: ') and result.stderr.count('\n') == 1
  assert words in result.stderr


def test_command_line(capsys):
  assert cli.main(['--help']) == 0
  assert 'generate' in capsys.readouterr().out
  for argv, words in ((['trian'], "unknown command 'trian'"),
                      (['train'], '--data, --workdir'),
                      (['train', '--data=x', '--workdir=y', '--stepz'], '--stepz'),
                      (['train', '--data=x', '--workdir=y', '--system=z'], '--system')):
    assert cli.main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith('cemnet: error: ') and error.count('\n') == 1 and words in error


def test_datasets_stand_in_for_the_synthetic_ones(monkeypatch):
  seen = {}
  monkeypatch.setattr(train_system, 'train_stage',
                      lambda cfg, *a, **k: seen.update({cfg.stage: cfg.data.dataset}))
  train_system.train_system('cemnet', 'debug', 'D', 'W', ('ebm.data.dataset=other/set',),
                            lrs='lrs2/main', mead='mead/front')
  assert seen['audio2mouth'] == seen['renderer'] == 'lrs2/main'
  assert seen['aee'] == 'mead/front' and seen['identity'] == 'lrs2/main'
  assert seen['ebm'] == 'other/set', '--set has the last word'
  train_system.train_system('scorers', 'debug', 'D', 'W', lrs='lrs2/main', mead='mead/front')
  assert seen['identity_scorer'] == 'lrs2/main+mead/front'
  train_system.train_system('scorers', 'debug', 'D', 'W')
  assert seen['identity_scorer'] == 'synth_mead/lrs_debug+synth_mead/mead_debug'


def test_vgg19_file_is_part_of_a_run(monkeypatch, tmp_path):
  monkeypatch.setattr('cemnet_jax.weights.vgg19.load_vgg19', lambda path: {})
  cfg = train_system.load_config('renderer', 'debug')
  file = tmp_path / 'vgg19.npz'
  cfg.loss.perceptual_net, cfg.loss.vgg19 = 'vgg19', str(file)
  identities = []
  for content in (b'one', b'two', b'one'):
    file.write_bytes(content)
    identities.append(train_system.load_frozen(cfg, None, tmp_path / 'renderer', {})[1])
  assert identities[0] == identities[2] != identities[1]
