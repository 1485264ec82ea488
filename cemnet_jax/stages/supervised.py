"""One-optimizer stages: nets and a loss become a `Stage`; only the loss differs between them."""

from collections.abc import Callable
from typing import Any

import chex
import jax
import optax
from clu.metrics import Average

from cemnet_jax.train import state as train_state
from cemnet_jax.train.optim import make_optimizer
from cemnet_jax.train.rng import key_for
from cemnet_jax.train.stage import Stage

Tree = Any


def split(variables: dict[str, Tree]) -> tuple[dict, dict]:
  """{net: linen variables} -> ({net: params}, {net: batch statistics})."""
  params = {name: v['params'] for name, v in variables.items()}
  stats = {name: v.get('batch_stats', {}) for name, v in variables.items()}
  return params, stats


def variables(tree: dict, net: str | None) -> dict:
  """The linen variables of one net of a state or frozen stage {'params': ..., 'stats': ...}; with
  None of all nets, where they are the parts of one."""
  if net is None:
    return {'params': tree['params'], 'batch_stats': tree['stats']}
  return {'params': tree['params'][net], 'batch_stats': tree['stats'].get(net, {})}


def apply_train(net, params: Tree, stats: Tree, *args, key=None, **kwargs) -> tuple[Any, Tree]:
  """Applies `net` in training mode; returns (output, new batch statistics)."""
  rngs = {} if key is None else {'dropout': key}
  out, new = net.apply({'params': params, 'batch_stats': stats}, *args, train=True, rngs=rngs,
                       mutable=['batch_stats'], **kwargs)
  return out, new.get('batch_stats', {})


def masked_sum(values: jax.Array, mask: jax.Array) -> Average:
  """Sum and count of the values whose mask is one, so that padded batches add exactly.

  AssertionError where the two have not the same shape: they would be broadcast.
  """
  chex.assert_equal_shape([values, mask])
  return Average.from_model_output(values, mask)


def supervised(cfg, init: Callable, loss: Callable, evaluate: Callable,
               optimizers: dict[str, Any] | None = None, ema: float = 0.,
             score: Callable | None = None) -> Stage:
  """A `Stage` that minimises one loss; every net has its own optimizer state.

  Args:
    cfg: the stage's config; `optimizer` and `steps` are read.
    init: (key, frozen, batch) -> ({net: params}, {net: stats}).
    loss: (params, stats, frozen, batch, key) -> (total, (new stats, {term: scalar})).
    evaluate: (params, stats, frozen, batch) -> {name: Average}, or rows for `score`.
    optimizers: {net: a config in place of `cfg.optimizer` for this net}.
    ema: decay of the average of parameters that is evaluated and used later; 0 for none.
    score: see `Stage.score`.
  """
  own = {net: make_optimizer(c, cfg.steps) for net, c in (optimizers or {}).items()}
  shared = make_optimizer(cfg.optimizer, cfg.steps)

  def of_nets(nets):
    return {net: own.get(net, shared) for net in nets}

  def init_state(key, frozen, batch):
    params, stats = init(key, frozen, batch)
    return train_state.create(params, stats, of_nets(params), tuple(params) if ema else ())

  def step(state, frozen, batch, seed):
    key = key_for(seed, state.step, cfg.stage)
    grad = jax.value_and_grad(loss, has_aux=True)
    (total, (stats, terms)), grads = grad(state.params, state.stats, frozen, batch, key)
    chex.assert_rank([total, *terms.values()], 0)
    metrics = {'loss': total, 'grad_norm': optax.global_norm(grads), **terms}
    return train_state.apply_grads(state, grads, of_nets(grads), stats, ema), metrics

  def evaluate_state(state, frozen, batch):
    return evaluate({**state.params, **state.ema}, state.stats, frozen, batch)

  return Stage(init=init_state, step=step, evaluate=evaluate_state, score=score)
