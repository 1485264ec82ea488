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
from cemnet_jax.train import chain, ckpt, loop
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

      def step(state, frozen, batch, seed):
        return stage.step(state, {**frozen, **toy.FROZEN}, batch, seed)
      return stage._replace(init=init, step=step)

    @staticmethod
    def features(cfg):
      return lambda frozen, batch: {
        **batch, 'extra': batch['mask'] + frozen['statistics']['mean'][0]}

  class Clips:
    """Five training speakers of a dataset whose digest a test may change."""
    name = 'synth/a+synth/b'
    num_train_speakers = 5
    digest, crop, without_people = '12', 'stable', ()

    @classmethod
    def identity(cls):
        return {name: f'1.2.3 {cls.digest}' for name in ('synth/a', 'synth/b')}

    @staticmethod
    def people(split):
      return {f'synth/{split}{i}' for i in range(5)}

  pipeline = importlib.import_module('cemnet_jax.data.pipeline')
  monkeypatch.setattr(pipeline, 'make_dataset', lambda cfg, data_dir, split, **kw: toy.Data())
  monkeypatch.setattr(pipeline, 'open_clips', lambda data_dir, name: (Clips, None))
  monkeypatch.setitem(sys.modules, 'cemnet_jax.stages.toy', Stage)
  monkeypatch.setattr(train_system, 'load_config', load)
  monkeypatch.setattr(train_system, '_make_statistics', lambda *a: {'mean': np.zeros(2)})
  monkeypatch.setitem(train_system.SYSTEMS, 'toys',
                      {'first': Node('first'), 'second': Node('second', ('first',), True)})
  Stage.seen.clear()
  Stage.clips = Clips
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


@pytest.mark.parametrize('steps', [2, 4], ids=['finished', 'to go on'])
def test_stages_of_other_data_are_refused(toys, tmp_path, steps):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  toys.clips.digest = '34'
  with pytest.raises(UserError, match=r"first: data or frozen .*dataset.synth/a '1.2.3 12' -> "
                                      r"'1.2.3 34'.*take another --workdir or delete"):
    train_system.train_system('toys', 'debug', 'data', tmp_path, (f'*.steps={steps}',))


@pytest.mark.parametrize('steps', [2, 4], ids=['finished', 'to go on'])
def test_a_frozen_stage_retrained_with_equal_steps_is_noticed(toys, tmp_path, steps):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  known = chain.read(tmp_path / 'second').identity['frozen.first']
  assert known == chain.read(tmp_path / 'first').fingerprint
  shutil.rmtree(tmp_path / 'first')
  cfg = train_system.load_config('first', 'debug')
  cfg.seed = 1
  train_system.train_stage(cfg, 'data', tmp_path / 'first')
  assert ckpt.best_step(tmp_path / 'first') == 2
  cfg = train_system.load_config('second', 'debug')
  cfg.steps = steps
  with pytest.raises(UserError, match=f"second: data or frozen .*frozen.first '{known}' -> '"):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')


def test_statistics_of_other_data_are_refused(toys, tmp_path):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  shutil.rmtree(tmp_path / 'second')
  toys.clips.digest = '34'
  cfg = train_system.load_config('second', 'debug')
  with pytest.raises(UserError, match=r'statistics.npz: these are the statistics of other data '
                                      r'\(synth/a 1.2.3 12 -> 1.2.3 34; synth/b'):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')
  with np.load(tmp_path / 'statistics.npz') as stored:
    changed = {**stored, 'mean': stored['mean'] + 1}
  toys.clips.digest = '12'
  train_system.train_stage(cfg, 'data', tmp_path / 'second')
  np.savez(tmp_path / 'statistics.npz', **changed)
  with pytest.raises(UserError, match='second: data or frozen stages changed.*statistics '):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')


def test_a_run_of_before_such_records_is_taken_as_it_is(toys, tmp_path, capsys):
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  (tmp_path / 'second' / ckpt.IDENTITY).unlink()
  toys.clips.digest = '34'
  shutil.rmtree(tmp_path / 'first')
  (tmp_path / 'statistics.npz').unlink()
  train_system.train_system('toys', 'debug', 'data', tmp_path)
  assert 'second: finished before' in capsys.readouterr().out


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
  for number in ('-1', '4294967296'):
    with pytest.raises(UserError, match=rf'config seed={number}: an integer from 0 to 2\*\*32 - 1'):
      train('toys', 'debug', 'data', tmp_path, (f'first.seed={number}',))
  with pytest.raises(UserError, match='config optimizer.lr=inf: a finite number is needed'):
    train('toys', 'debug', 'data', tmp_path, ('first.optimizer.lr=1e999',))
  with pytest.raises(UserError, match='write STAGE.KEY=VALUE'):
    train('toys', 'debug', 'data', tmp_path, ('third.steps=4',))
  cfg = train_system.load_config('second', 'debug')
  with pytest.raises(UserError, match=r'second needs the trained stage first.*run_train.py '
                                      r'--config=configs/first.py:debug.*--frozen first=DIR'):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')
  with pytest.raises(UserError, match='eval_split=test_sentence is a split that evaluation repor'):
    train('toys', 'debug', 'data', tmp_path, ('first.eval_split=test_sentence',))
  (tmp_path / 'first/checkpoints').mkdir(parents=True)
  with pytest.raises(UserError, match='first, which is not finished'):
    train_system.train_stage(cfg, 'data', tmp_path / 'second')


WRONG_FLAGS = {
  ('--config=configs/timbre.py:debug', '--config.step=3'): 'Did you mean "steps"',
  ('--config=configs/timbre.py:tiny',): "preset: unknown 'tiny'",
  ('--config=configs/timber.py', '--data=d', '--workdir=w'): 'timber.py',
  ('--config=configs/timbre.py:debug', '--workdir=w', '--dat=d'): 'dat',
  ('--config=configs/timbre.py:debug', '--data=absent'): '--workdir is missing',
  ('--config=configs/timbre.py:debug', '--data=absent', '--workdir=/proc/x'): 'absent'}


def test_wrong_flags_give_one_line():
  asked = ''.join(json.dumps(arguments) + '\n' for arguments in WRONG_FLAGS)
  done = subprocess.run([sys.executable, '-m', 'tests.forked_runs'], input=asked, cwd=ROOT,
                        capture_output=True, text=True, timeout=600)
  answers = [json.loads(line) for line in done.stdout.splitlines()]
  assert len(answers) == len(WRONG_FLAGS), done.stderr
  for words, (code, error) in zip(WRONG_FLAGS.values(), answers, strict=True):
    assert code == 2, error
    assert error.startswith('cemnet: error: ') and error.count('\n') == 1
    assert words in error


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
  monkeypatch.setattr(train_system, 'check_data', lambda *a: None)
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


@pytest.mark.parametrize('system', ['cemnet', 'a2m_renderer'])
def test_papers_perceptual_loss_asks_for_vgg19_before_anything_is_trained(
    system, monkeypatch, tmp_path, capsys):
  work = tmp_path / 'work'
  arguments = ['train', '--system', system, '--data', 'D', '--workdir', str(work)]
  trained = []
  monkeypatch.setattr(train_system, 'train_stage', lambda cfg, *a, **k: trained.append(cfg))
  monkeypatch.setattr(train_system, 'check_data', lambda configs, data_dir: None)
  assert cli.main([*arguments, '--preset', 'paper']) == 2
  error = capsys.readouterr().err
  assert error.count('\n') == 1 and not trained and not work.exists()
  for words in (train_system.VGG19_URL, '--set renderer.loss.vgg19=FILE',
                '--set renderer.loss.perceptual_net=image_emotion --set renderer.loss.style=0.0'):
    assert words in error
  for preset, changes in (
      ('full', []), ('paper', ['renderer.loss.perceptual_net=image_emotion']),
      ('paper', [f'renderer.loss.vgg19={Path(__file__)}'])):
    trained.clear()
    flags = [word for change in changes for word in ('--set', change)]
    assert cli.main([*arguments, '--preset', preset, *flags]) == 0
    assert trained[-1].stage == 'renderer' and trained[-1].preset == preset
  assert cli.main([*arguments, '--set', 'renderer.loss.perceptual_net=vgg16']) == 2
  assert 'perceptual_net=vgg16: choose vgg19 or image_emotion' in capsys.readouterr().err


def test_full_is_the_default(monkeypatch):
  seen = []
  monkeypatch.setattr(train_system, 'train_stage', lambda cfg, *a, **k: seen.append(cfg.preset))
  monkeypatch.setattr(train_system, 'check_data', lambda configs, data_dir: None)
  assert cli.main(['train', '--data', 'D', '--workdir', 'W']) == 0
  assert set(seen) == {'full'}
  for nodes in train_system.SYSTEMS.values():
    for node in nodes.values():
      default = importlib.import_module(f'configs.{node.config}').get_config()
      assert default.to_json() == train_system.load_config(node.config, 'full').to_json()


def test_vgg19_file_is_part_of_a_run(monkeypatch, tmp_path):
  monkeypatch.setattr('cemnet_jax.weights.vgg19.load_vgg19', lambda path: {})
  cfg = train_system.load_config('renderer', 'debug')
  file = tmp_path / 'vgg19.npz'
  cfg.loss.perceptual_net, cfg.loss.vgg19 = 'vgg19', str(file)
  identities = []
  for content in (b'one', b'two', b'one'):
    file.write_bytes(content)
    identities.append(train_system.load_frozen(cfg, None, tmp_path / 'renderer', {}, {})[1])
  assert identities[0] == identities[2] != identities[1]
