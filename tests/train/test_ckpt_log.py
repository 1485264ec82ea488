"""Checkpoints kept and loaded; logs cut and drawn."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.experimental import multihost_utils
from tensorboardX.proto.event_pb2 import Event

from cemnet_jax.errors import UserError
from cemnet_jax.train import ckpt
from cemnet_jax.train import state as states
from cemnet_jax.train.log import Log, read_rows


def state_of(value, ema=()):
  params = {'net': {'w': jnp.full((2, 3), value), 'half': jnp.full(2, value, jnp.bfloat16)},
            'plain': {'b': jnp.full(1, value)}}
  stats = {'net': {'mean': jnp.full(3, value)}, 'plain': {}}
  return states.create(params, stats, {'net': optax.adam(1.), 'plain': optax.adam(1.)}, ema)


def save(workdir, scores, ema=()):
  with ckpt.Checkpoints(workdir) as checkpoints:
    for step, score in scores.items():
      state = state_of(float(step), ema).replace(step=jnp.int32(step))
      checkpoints.save(state, step, score=score, metadata={'config': {'steps': 9}})


def test_keeps_the_latest_two_and_the_best(tmp_path):
  save(tmp_path, {1: 0.1, 2: 0.9, 3: 0.5, 4: None, 5: 0.2})
  assert {p.name for p in (tmp_path / 'checkpoints').iterdir()} == {'2', '4', '5'}
  assert ckpt.best_step(tmp_path) == 2
  with ckpt.Checkpoints(tmp_path) as checkpoints:
    assert checkpoints.latest == 5 and checkpoints.metadata() == {'config': {'steps': 9}}
    restored = checkpoints.restore(state_of(0.))
  assert int(restored.step) == 5 and float(restored.params['plain']['b'][0]) == 5.


def test_loads_the_best_parameters_as_numpy(tmp_path):
  save(tmp_path, {1: -0.1, 2: -0.9})
  loaded = ckpt.load_params(tmp_path)
  assert set(loaded) == {'params', 'stats'}
  assert isinstance(loaded['params']['net']['w'], np.ndarray)
  np.testing.assert_array_equal(loaded['params']['net']['w'], np.ones((2, 3), np.float32))
  assert loaded['params']['net']['half'].dtype == jnp.bfloat16
  np.testing.assert_array_equal(loaded['stats']['net']['mean'], np.ones(3))
  save(tmp_path / 'unscored', {1: None, 3: None})
  assert ckpt.best_step(tmp_path / 'unscored') == 3


def test_statistics_that_are_none_stay_so(tmp_path):
  """As those of landmarks that are taken as they are in the crop."""
  state = state_of(1.)
  state = state.replace(stats=state.stats | {'landmarks': {}})
  with ckpt.Checkpoints(tmp_path) as checkpoints:
    checkpoints.save(state, 1, score=None, metadata={})
    checkpoints.wait()
    assert checkpoints.restore(state).stats['landmarks'] == {}
  assert ckpt.load_params(tmp_path)['stats']['landmarks'] == {}


def test_averaged_parameters_stand_for_the_raw_ones(tmp_path):
  with ckpt.Checkpoints(tmp_path) as checkpoints:
    state = state_of(1., ema=('net',))
    checkpoints.save(state.replace(params=state_of(5.).params), 1, score=None, metadata={})
  loaded = ckpt.load_params(tmp_path)
  assert loaded['params']['net']['w'][0, 0] == 1. and loaded['params']['plain']['b'][0] == 5.


def test_only_the_loop_asks_where_to_stop(tmp_path, monkeypatch):
  """Orbax asks from a thread and by an old step: processes would then stop at different steps."""
  asked = []
  monkeypatch.setattr(multihost_utils, 'reached_preemption_sync_point', asked.append)
  save(tmp_path, {1: 0.1, 2: 0.9, 3: None})
  assert not asked and ckpt.best_step(tmp_path) == 2


def test_absent_checkpoints_are_said(tmp_path):
  for load in (ckpt.load_params, ckpt.load_config):
    with pytest.raises(UserError, match='train this stage first'):
      load(tmp_path)


def test_log_drops_torn_and_later_rows(tmp_path, capsys):
  log = Log(tmp_path, 'toy', start=0, steps=9)
  for step in (2, 4, 6):
    log.write(step, {'loss': step / 10})
  log.write(4, {'eval/l1': 0.5})
  log.close()
  assert 'toy  2/9  loss 0.2' in capsys.readouterr().out
  path = tmp_path / 'metrics.jsonl'
  with path.open('a') as file:
    file.write('{"step": 3, "lo')
  log = Log(tmp_path, 'toy', start=4, steps=9)
  assert log.evaluations('l1') == [0.5]
  log.close()
  assert [row['step'] for row in read_rows(path)] == [2, 4, 4]
  assert all(json.loads(line) for line in path.read_text().splitlines())


def test_parameters_are_a_table_and_a_line(tmp_path, capsys):
  log = Log(tmp_path, 'toy', start=0, steps=9)
  log.parameters({'net': {'dense': {'w': np.zeros((40, 30), np.float32)}},
                  'head': jax.ShapeDtypeStruct((7,), np.float32)})
  log.close()
  assert capsys.readouterr().out == (
    'toy  1,207 parameters: net 1,200, head 7; see parameters.txt\n')
  table = (tmp_path / 'parameters.txt').read_text()
  assert '| net/dense/w | (40, 30) | float32 | 1,200 |' in table
  assert table.endswith('Total: 1,207 -- 4,828 bytes\n')
  assert not list(tmp_path.glob('*tmp*'))


def events(folder):
  """(tag, step, value) of the event files in a folder."""
  found = []
  for path in folder.iterdir():
    data, at = path.read_bytes(), 0
    while at < len(data):  # a TFRecord: length, its checksum, the record, its checksum
      size = int.from_bytes(data[at:at + 8], 'little')
      event = Event.FromString(data[at + 12:at + 12 + size])
      found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
      at += 16 + size
  return found


def test_tensorboard_shows_the_rows_of_the_log_and_no_others(tmp_path):
  log = Log(tmp_path, 'toy', start=0, steps=9)  # not asked for yet
  log.write(2, {'loss': 0.5})
  log.close()
  assert not (tmp_path / 'tensorboard').exists()
  log = Log(tmp_path, 'toy', start=2, steps=9, tensorboard=True)
  log.write(4, {'loss': 0.25, 'l1': 3.0})
  log.write(4, {'eval/l1': 2.0})
  log.write(6, {'loss': 0.125})
  log.close()
  log = Log(tmp_path, 'toy', start=4, steps=9, tensorboard=True)  # 6 was not saved
  log.write(6, {'loss': 0.75})
  log.close()
  assert events(tmp_path / 'tensorboard') == [
    ('loss', 2, 0.5), ('loss', 4, 0.25), ('l1', 4, 3.0), ('eval/l1', 4, 2.0), ('loss', 6, 0.75)]


def test_curves_are_a_picture(tmp_path):
  log = Log(tmp_path, 'toy', start=0, steps=9)
  log.curves()
  assert not (tmp_path / 'curves.png').exists()
  for step in range(3):
    log.write(step, {'loss': 1., 'l1': 2., 'eval/l1': 3., 'grad': 4., 'x': 5., 'y': 6.})
  log.curves()
  log.close()
  assert (tmp_path / 'curves.png').read_bytes()[:4] == b'\x89PNG'
  assert not list(tmp_path.glob('*tmp*'))


def test_other_processes_write_nothing(tmp_path, capsys):
  log = Log(tmp_path, 'toy', start=0, steps=9, writes=False, tensorboard=True)
  log.write(1, {'loss': 1.})
  log.parameters({'net': {'w': np.zeros(3)}})
  log.curves()
  log.close()
  assert not list(tmp_path.iterdir()) and not capsys.readouterr().out
