"""The loop on a toy stage: meshes agree, runs resume, what is wrong is said."""

import importlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.train import chain, ckpt, loop
from cemnet_jax.train.log import read_rows
from tests.train import toy

ROOT = Path(__file__).resolve().parents[2]


def train(workdir, devices=1, cfg=None, data=None, **kwargs):
  cfg = cfg or toy.config()
  return loop.fit(toy.make(cfg), cfg, data or toy.Data(), toy.Data(), toy.FROZEN, workdir,
                  devices=jax.devices()[:devices], **kwargs)


def losses(workdir):
  rows = read_rows(Path(workdir) / 'metrics.jsonl')
  return np.array([[row['loss'], row['critic']] for row in rows if 'loss' in row])


def assert_same_bits(a, b):
  a, b = toy.leaves(a), toy.leaves(b)
  assert a.keys() == b.keys()
  for name in a:
    assert a[name].tobytes() == b[name].tobytes(), name


def assert_close(a, b):
  a, b = toy.leaves(a), toy.leaves(b)
  for name in a:
    np.testing.assert_allclose(a[name], b[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.fixture(scope='module')
def one(tmp_path_factory):
  """The unbroken run on one device: (workdir, final state)."""
  workdir = tmp_path_factory.mktemp('one')
  return workdir, train(workdir)


def test_run_learns_and_leaves_its_files(one):
  workdir, state = one
  assert int(state.step) == 8
  assert losses(workdir)[-1, 0] < losses(workdir)[0, 0]
  assert {p.name for p in workdir.iterdir()} == {
    'checkpoints', 'metrics.jsonl', 'config.json', 'identity.json', 'parameters.txt', 'curves.png',
    'done.json'}
  done = json.loads((workdir / 'done.json').read_text())
  assert done['step'] == 8 and not done['early_stopped']
  assert [r['step'] for r in read_rows(workdir / 'metrics.jsonl') if 'eval/l1' in r] == [4, 8]
  assert loop.finished(workdir, toy.config()) and not loop.finished(workdir, toy.config(steps=9))


@pytest.mark.parametrize('devices, mesh', [(8, {'data': 8}), (8, {'data': 2, 'fsdp': 4}),
                                           (4, {'data': 1, 'fsdp': 4})])
def test_meshes_agree(one, tmp_path, devices, mesh):
  workdir, state = one
  cfg = toy.config()
  cfg.mesh.update({**mesh, 'min_size': 0})
  other = train(tmp_path, devices, cfg)
  np.testing.assert_allclose(losses(tmp_path), losses(workdir), rtol=1e-5, atol=1e-6)
  assert_close(other, state)
  kernel = other.params['critic']['Dense_0']['kernel']
  assert kernel.sharding.is_fully_replicated == ('fsdp' not in mesh)
  assert len(kernel.sharding.device_set) == devices


def test_a_longer_run_goes_on_with_the_same_bits(tmp_path, one):
  train(tmp_path, cfg=toy.config(steps=5))
  assert_same_bits(train(tmp_path), one[1])


def test_resume_on_another_mesh(tmp_path, one):
  train(tmp_path, cfg=toy.config(steps=5))
  cfg = toy.config()
  cfg.mesh.update(dict(data=2, fsdp=2, min_size=0))
  assert_close(train(tmp_path, 4, cfg), one[1])


def run_process(workdir, *args):
  return subprocess.run([sys.executable, '-m', 'tests.train.killed_run', str(workdir), *args],
                        cwd=ROOT, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bits(tmp_path):
  cfg = toy.config(steps=12)
  unbroken = train(tmp_path / 'unbroken', cfg=cfg)
  steps = sorted(np.random.default_rng().choice(np.arange(1, 12), 2, replace=False))
  for step in steps:  # batch `step` is asked for while the step before it runs or is saved
    result = run_process(tmp_path / 'killed', str(step), 'SIGKILL')
    assert result.returncode == -signal.SIGKILL, (steps, result.stderr)
  result = run_process(tmp_path / 'killed', '7', 'SIGTERM') if steps[-1] < 7 else None
  if result is not None:
    assert result.returncode == 0 and 'requeue' in result.stdout, (steps, result.stderr)
  assert run_process(tmp_path / 'killed').returncode == 0, steps
  assert ((tmp_path / 'killed/metrics.jsonl').read_text()
          == (tmp_path / 'unbroken/metrics.jsonl').read_text()), steps
  for name in ('params', 'stats'):
    assert_same_bits(ckpt.load_params(tmp_path / 'killed')[name],
                     ckpt.load_params(tmp_path / 'unbroken')[name])
  assert_same_bits(train(tmp_path / 'killed', cfg=cfg), unbroken)


def test_sigterm_saves_and_exits_with_zero(tmp_path, capsys, one):
  class Terminated(toy.Data):
    def __getitem__(self, step):
      if step == 5:
        signal.raise_signal(signal.SIGTERM)
      return super().__getitem__(step)

  before = signal.getsignal(signal.SIGTERM)
  with pytest.raises(SystemExit) as stop:
    train(tmp_path, data=Terminated())
  assert stop.value.code == 0 and signal.getsignal(signal.SIGTERM) is before
  assert 'saved at step 5; requeue' in capsys.readouterr().out
  assert_same_bits(train(tmp_path), one[1])
  assert (tmp_path / 'metrics.jsonl').read_text() == (one[0] / 'metrics.jsonl').read_text()


def test_sigterm_in_the_last_step_finishes_first(tmp_path):
  class Terminated(toy.Data):
    def __getitem__(self, step):
      signal.raise_signal(signal.SIGTERM)
      return super().__getitem__(step)

  cfg = toy.config(steps=3)
  with pytest.raises(SystemExit):  # so that no further stage of a system begins
    loop.fit(toy.make(cfg), cfg, toy.Data(), Terminated(), toy.FROZEN, tmp_path,
             devices=jax.devices()[:1])
  assert loop.finished(tmp_path, cfg)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(tmp_path):
  class Poisoned(toy.Data):
    def __getitem__(self, step):
      batch = super().__getitem__(step)
      if step == 4:
        batch['x'][0, 0, 0, 0] = np.nan
      return batch

  with pytest.raises(UserError, match=r'not finite at step 5: .*l1.*checkpoint of step 4 is good'):
    train(tmp_path, data=Poisoned())
  assert sorted(p.name for p in (tmp_path / 'checkpoints').iterdir()) == ['3', '4']
  assert read_rows(tmp_path / 'metrics.jsonl')[-1]['step'] == 4
  assert int(train(tmp_path).step) == 8


def test_parameters_that_are_not_finite_are_never_saved(tmp_path):
  cfg = toy.config()
  stage = toy.make(cfg)

  def step(state, frozen, batch, seed):
    state, metrics = stage.step(state, frozen, batch, seed)
    stats = jax.tree.map(lambda x: x / (state.step - 3), state.stats)  # infinite at step 3
    return state.replace(stats=stats), {'loss': 0. * metrics['loss']}

  with pytest.raises(UserError, match='not finite at step 3: stats/generator; no checkpoint yet'):
    loop.fit(stage._replace(step=step), cfg, toy.Data(), None, toy.FROZEN, tmp_path,
             devices=jax.devices()[:1])
  assert not list((tmp_path / 'checkpoints').iterdir())


def test_stops_early_when_evaluations_do_not_improve(tmp_path):
  cfg = toy.config(steps=40, eval_every=1, save_every=100, patience=3, best='+l1')
  state = train(tmp_path, cfg=cfg)  # the error falls, so its first value stays the largest
  assert int(state.step) == 4
  done = json.loads((tmp_path / 'done.json').read_text())
  assert done['early_stopped'] and done['best_step'] == 1
  assert loop.finished(tmp_path, cfg) and not loop.finished(tmp_path, toy.config(steps=50))
  (tmp_path / 'done.json').unlink()  # as if killed just before it was written
  assert int(train(tmp_path, cfg=cfg).step) == 4


@pytest.mark.parametrize('schedule', ['cosine', 'linear'])
@pytest.mark.parametrize('steps', [3, 5])
def test_steps_of_a_schedule_that_ends_cannot_change(tmp_path, schedule, steps):
  """Neither while the stage is unfinished nor when it has run its steps."""
  cfg = toy.config(steps=4)
  cfg.optimizer.schedule = schedule
  (tmp_path / ckpt.FOLDER).mkdir()
  ckpt.write_json(tmp_path / ckpt.CONFIG, ckpt.plain(cfg))
  loop.check_config(tmp_path, cfg)
  longer = cfg.copy_and_resolve_references()
  longer.steps = steps
  with pytest.raises(UserError, match=f'steps cannot change from 4 to {steps}: the optimizer '
                                      f'schedule {schedule!r} ends.*keep 4'):
    loop.check_config(tmp_path, longer)
  # Of two optimizers one is enough.
  longer.optimizer.schedule = cfg.optimizer.schedule = 'constant'
  for c in (cfg, longer):
    c.disc_optimizer = {'schedule': schedule}
  ckpt.write_json(tmp_path / ckpt.CONFIG, ckpt.plain(cfg))
  with pytest.raises(UserError, match='the disc_optimizer schedule'):
    loop.check_config(tmp_path, longer)


def test_older_runs_go_on_where_later_fields_say_what_they_did(tmp_path):
  """Under any name of the preset: its fields are what counts."""
  (tmp_path / ckpt.FOLDER).mkdir()
  for stage in ('audio2mouth', 'aee', 'ebm', 'renderer'):
    cfg = importlib.import_module(f'configs.{stage}').get_config('debug')
    older, later = ckpt.plain(cfg) | {'preset': 'paper'}, 0
    for field in chain.ADDED:
      part, name = field.split('.')
      later += older[part].pop(name, None) is not None
    assert later
    ckpt.write_json(tmp_path / ckpt.CONFIG, older)
    loop.check_config(tmp_path, cfg)
  cfg.loss.pixel_weight = 0.0
  with pytest.raises(UserError, match='config changed.*loss.pixel_weight 40.0 -> 0.0'):
    loop.check_config(tmp_path, cfg)


def test_deterministic_operations_are_asked_of_xla(tmp_path, monkeypatch):
  asked = []

  def options(deterministic):
    asked.append(deterministic)
    raise UserError('as far as this goes')

  monkeypatch.setattr(loop, 'step_compile', options)
  for value in (True, False):
    with pytest.raises(UserError, match='as far'):
      train(tmp_path / str(value), cfg=toy.config(deterministic=value))
  assert asked == [True, False]


def test_a_score_is_given_the_rows_of_the_whole_evaluation(tmp_path):
  class Padded(toy.Data):
    def __getitem__(self, step):
      batch = super().__getitem__(step)
      return batch | {'mask': np.arange(len(batch['x']), dtype=np.float32) // 3 % 2 if step else
                      batch['mask']}

  seen = []

  def score(rows):
    seen.append(rows)
    return {'spread': np.ptp(rows['row'])}

  cfg = toy.config(steps=2, best='+spread')
  stage = toy.make(cfg)._replace(score=score, evaluate=lambda state, frozen, batch: {
    'row': batch['x'][:, 0, 0, 0], 'mask': batch['mask']})
  data = Padded()
  loop.fit(stage, cfg, toy.Data(), data, toy.FROZEN, tmp_path, devices=jax.devices()[:1])
  wanted = np.concatenate([b['x'][b['mask'] > 0, 0, 0, 0] for b in (data[0], data[1])])
  np.testing.assert_array_equal(seen[0]['row'], wanted)
  assert len(wanted) == 11
  found = [row['eval/spread'] for row in read_rows(tmp_path / 'metrics.jsonl')
           if 'eval/spread' in row]
  assert found == [pytest.approx(np.ptp(wanted))]


def test_bad_settings_are_said_before_compiling(tmp_path, one):
  with pytest.raises(UserError, match='batch_size: 6 does not divide over 4 devices'):
    train(tmp_path / 'a', 4, toy.config(batch_size=6))
  cfg = toy.config()
  cfg.mesh.fsdp = 3
  with pytest.raises(UserError, match='mesh: data=-1 x fsdp=3'):
    train(tmp_path / 'b', 2, cfg)
  file = tmp_path / 'file'
  file.touch()
  with pytest.raises(UserError, match='file/c: cannot write here'):
    train(file / 'c')
  cfg = toy.config()
  cfg.optimizer.lr = 0.5
  with pytest.raises(UserError, match='the config changed.*optimizer.lr 0.01 -> 0.5'):
    train(one[0], cfg=cfg)
  with pytest.raises(UserError, match='data or frozen stages changed.*dataset'):
    train(one[0], cfg=toy.config(steps=9), identity={'dataset': 'x:2.0.0'})
