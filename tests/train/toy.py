"""A small two-net stage for the tests of the loop: convolution, BatchNorm, dropout, adversary."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from clu.metrics import Average

from cemnet_jax.train import state as states
from cemnet_jax.train.optim import make_optimizer
from cemnet_jax.train.rng import key_for
from cemnet_jax.train.stage import Stage
from configs import common


class Generator(nn.Module):
  @nn.compact
  def __call__(self, x, train):
    x = nn.Conv(8, (3, 3), use_bias=False)(x)  # BatchNorm makes a bias rounding noise
    x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(x))
    x = nn.Dropout(0.2, deterministic=not train)(x)
    return nn.Conv(1, (3, 3))(x)


class Critic(nn.Module):
  @nn.compact
  def __call__(self, x):
    return nn.Dense(1)(nn.tanh(nn.Dense(16)(x.reshape((x.shape[0], -1)))))


def config(**changes):
  """A config of eight steps; `changes` are top-level fields."""
  cfg = common.base('toy', 'debug')
  cfg.update(dict(steps=8, batch_size=8, save_every=3, eval_every=4, eval_batches=0, best='l1'))
  cfg.optimizer.lr = 1e-2
  cfg.update(changes)
  return cfg


def make(cfg) -> Stage:
  """x (B,8,8,1) -> y (B,8,8,1), judged by a critic; frozen['scale'] multiplies the input."""
  generator, critic = Generator(), Critic()
  txs = {name: make_optimizer(cfg.optimizer, cfg.steps) for name in ('generator', 'critic')}

  def init(key, frozen, batch):
    v = generator.init(key, batch['x'], train=False)
    params = {'generator': v['params'], 'critic': critic.init(key, batch['y'])['params']}
    stats = {'generator': v['batch_stats'], 'critic': {}}
    return states.create(params, stats, txs, ema=('generator',))

  def step(state, frozen, batch, seed):
    key = key_for(seed, state.step, 'toy')

    def generator_loss(params):
      fake, new = generator.apply(
        {'params': params, 'batch_stats': state.stats['generator']},
        batch['x'] * frozen['scale']['params'], train=True, rngs={'dropout': key},
        mutable=['batch_stats'])
      l1 = jnp.abs(fake - batch['y']).mean()
      fooled = -critic.apply({'params': state.params['critic']}, fake).mean()
      return l1 + 0.1 * fooled, (fake, new['batch_stats'], l1)

    def critic_loss(params, fake):
      judge = lambda x: critic.apply({'params': params}, x)  # noqa: E731
      return (nn.relu(1 - judge(batch['y'])) + nn.relu(1 + judge(fake))).mean()

    (loss, (fake, stats, l1)), grad = jax.value_and_grad(
      generator_loss, has_aux=True)(state.params['generator'])
    critic_value, critic_grad = jax.value_and_grad(critic_loss)(
      state.params['critic'], jax.lax.stop_gradient(fake))
    state = states.apply_grads(state, {'generator': grad, 'critic': critic_grad}, txs,
                               {'generator': stats}, ema_decay=0.9)
    return state, {'loss': loss, 'l1': l1, 'critic': critic_value}

  def evaluate(state, frozen, batch):
    out = generator.apply({'params': state.params['generator'],
                           'batch_stats': state.stats['generator']}, batch['x'], train=False)
    error = jnp.abs(out - batch['y']).mean(axis=(1, 2, 3))
    return {'l1': Average((error * batch['mask']).sum(), batch['mask'].sum())}

  return Stage(init, step, evaluate)


FROZEN = {'scale': {'params': np.float32(0.5)}}


class Data:
  """`data[step]` is rows `rows` of batch `step`, a function of the step."""

  def __init__(self, batch_size=8, length=2, rows=slice(None)):
    self.batch_size, self.length, self.rows = batch_size, length, rows

  def __len__(self):
    return self.length

  def __getitem__(self, step):
    rng = np.random.default_rng([7, step])
    x = rng.normal(size=(self.batch_size, 8, 8, 1)).astype(np.float32)
    batch = {'x': x, 'y': np.tanh(2 * x) + 1, 'mask': np.ones(self.batch_size, np.float32)}
    return {name: array[self.rows] for name, array in batch.items()}


def leaves(tree) -> dict[str, np.ndarray]:
  """{path: array} of a state."""
  flat = jax.tree_util.tree_flatten_with_path(tree)[0]
  return {jax.tree_util.keystr(path): np.asarray(jax.device_get(leaf)) for path, leaf in flat}
