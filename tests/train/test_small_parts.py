"""Keys, optimizers, updates, feature pools."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.train import state as states
from cemnet_jax.train.optim import make_optimizer, make_schedule
from cemnet_jax.train.pool import FeaturePool, Processes
from cemnet_jax.train.process import step_compile
from cemnet_jax.train.rng import key_for
from configs import common


def optimizer(**changes):
  cfg = common.base('toy', 'debug').optimizer
  cfg.update(changes)
  return cfg


def test_options_of_gpus_are_known_to_this_xla(monkeypatch):
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  uncached = step_compile.__wrapped__
  assert uncached() is None
  options = uncached(deterministic=True)
  assert options == {'xla_gpu_deterministic_ops': True}
  compiled = jax.jit(lambda x: x + 1, compiler_options=options).lower(0.).compile()
  assert compiled(1.) == 2  # an option of another name would have been refused
  with pytest.raises(jax.errors.JaxRuntimeError, match='No such compile option'):
    jax.jit(lambda x: x, compiler_options={'xla_gpu_no_such': True}).lower(0.).compile()


def test_keys_are_a_fixed_function_of_seed_step_and_name():
  keys = {tuple(map(int, jax.random.key_data(key_for(seed, step, name))))
          for seed in (0, 1) for step in (0, 1) for name in ('a', 'b')}
  assert len(keys) == 8
  # Pinned: another value would change every resumed run.
  assert jax.random.key_data(key_for(3, 5, 'dropout')).tolist() == [3130640626, 2178425464]
  traced = jax.jit(lambda step: key_for(3, step, 'dropout'))(jnp.int32(5))
  assert (jax.random.key_data(traced) == jax.random.key_data(key_for(3, 5, 'dropout'))).all()
  # The loop gives the seed to a program that serves every seed.
  given = jax.jit(key_for, static_argnums=2)(np.uint32(3), 5, 'dropout')
  assert jax.random.key_data(given).tolist() == [3130640626, 2178425464]


def test_schedules():
  rate = make_schedule(optimizer(lr=2., schedule='cosine', final=0.1, warmup=4), 24)
  np.testing.assert_allclose([rate(0), rate(2), rate(4), rate(14), rate(24)],
                             [0., 1., 2., 1.1, 0.2], rtol=1e-6)
  rate = make_schedule(optimizer(lr=2., schedule='linear', final=0.5), 10)
  np.testing.assert_allclose([rate(0), rate(5), rate(10)], [2., 1.5, 1.])
  assert make_schedule(optimizer(lr=2.), 10)(7) == 2.
  with pytest.raises(UserError, match="unknown 'cosinus', use one of constant"):
    make_optimizer(optimizer(schedule='cosinus'), 10)


def test_clipping_and_decay():
  params = {'w': jnp.ones(4)}
  huge = {'w': jnp.full(4, 1e6)}
  tx = make_optimizer(optimizer(clip=1.0), 10)
  _, clipped = tx.update(huge, tx.init(params), params)
  mu = optax.tree_utils.tree_get(clipped, 'mu')
  np.testing.assert_allclose(optax.global_norm(mu), 0.1, rtol=1e-5)  # (1 - b1) x norm 1
  tx = make_optimizer(optimizer(lr=0.1, weight_decay=0.5), 10)
  updates, _ = tx.update({'w': jnp.zeros(4)}, tx.init(params), params)
  np.testing.assert_allclose(updates['w'], -0.05, rtol=1e-6)


def test_updates_touch_only_the_nets_that_have_gradients():
  params = {'a': jnp.ones(2), 'b': jnp.ones(2)}
  txs = {'a': optax.sgd(1.), 'b': optax.sgd(1.)}
  old = states.create(params, {'a': jnp.zeros(1), 'b': jnp.zeros(1)}, txs, ema=('a',))
  new = states.apply_grads(old, {'a': jnp.full(2, 0.5)}, txs, {'a': jnp.ones(1)}, ema_decay=0.9)
  assert int(new.step) == 1
  np.testing.assert_allclose(new.params['a'], 0.5)
  np.testing.assert_allclose(new.params['b'], 1.)
  np.testing.assert_allclose(new.ema['a'], 0.1 * 1 + 0.9 * 0.5)  # 1 / 10 of the start is left
  late = states.apply_grads(old.replace(step=jnp.int32(10**6)), {'a': jnp.full(2, 0.5)}, txs,
                            ema_decay=0.9)
  np.testing.assert_allclose(late.ema['a'], 0.9 * 1 + 0.1 * 0.5)
  assert (new.stats['a'] == 1).all() and (new.stats['b'] == 0).all()


class _Squares:
  """Batches of four examples; example e has x = e."""

  def __len__(self):
    return 3

  def __getitem__(self, index):
    return {'x': np.arange(4.) + 4 * index, 'unused': np.zeros(4)}


def _features(frozen, batch):
  return {'y': frozen['scale'] * batch['x'], 'x': batch['x']}


def test_pool_serves_random_rows_as_a_function_of_seed_and_step():
  def pool(seed=0, size=6):
    return FeaturePool(_Squares(), _features, {'scale': 2.}, batches=3, batch_size=size, seed=seed)
  a, b, other = pool(), pool(), pool(seed=1)
  for step in (5, 0, 1):
    np.testing.assert_array_equal(a[step]['x'], b[step]['x'])
    np.testing.assert_array_equal(a[step]['y'], 2 * a[step]['x'])
    assert len(set(a[step]['x'])) == 6 and set(a[step]) == {'x', 'y'}
  assert (a[0]['x'] != a[1]['x']).any() and (a[0]['x'] != other[0]['x']).any()
  assert set(np.concatenate([a[i]['x'] for i in range(30)])) == set(np.arange(12.))
  assert len(pool(size=20)[0]['x']) == 20


@pytest.mark.parametrize('train', [True, False])
def test_pools_of_two_processes_serve_the_batches_of_one(train):
  class Half(_Squares):
    """The rows of every batch that one of two processes makes."""

    def __init__(self, index):
      self.index = index

    def __getitem__(self, step):
      batch = super().__getitem__(step)
      return {name: np.split(rows, 2)[self.index] for name, rows in batch.items()}

  def pool(dataset, processes):
    return FeaturePool(dataset, _features, {'scale': 2.}, batches=3, batch_size=4, seed=3,
                       train=train, processes=processes)

  sent = {}  # what each process gives to all
  for index in range(2):
    pool(Half(index), Processes(index, 2, lambda arrays, index=index: sent.setdefault(
      index, arrays) and {name: np.stack([array] * 2) for name, array in arrays.items()}))
  together = {name: np.stack([sent[0][name], sent[1][name]]) for name in sent[0]}
  pair = [pool(Half(index), Processes(index, 2, lambda arrays: together)) for index in range(2)]
  one = pool(_Squares(), Processes(0, 1, lambda arrays: {k: v[None] for k, v in arrays.items()}))
  for step in range(3):
    parts = [part[step] for part in pair]
    assert all(len(part['x']) == 2 for part in parts)
    for name in one[step]:
      np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]),
                                    one[step][name])


def test_evaluation_pool_keeps_the_order():
  pool = FeaturePool(_Squares(), _features, {'scale': 2.}, batches=50, batch_size=4, train=False)
  assert len(pool) == 3
  np.testing.assert_array_equal(np.concatenate([pool[i]['x'] for i in range(3)]), np.arange(12.))
  with pytest.raises(IndexError):
    pool[3]
