"""What training changes: one immutable tree, each field a dict keyed by the name of a net."""

from typing import Any

import chex
import flax.struct
import jax
import jax.numpy as jnp
import optax

Tree = Any


@flax.struct.dataclass
class TrainState:
  """Everything a checkpoint holds. No random key: `step` is the only clock.

  Attributes:
    step: () int32, number of updates done.
    params: {net: trainable parameters}.
    opt: {net: optimizer state}.
    stats: {net: batch statistics and other arrays that no gradient changes}.
    ema: {net: averaged parameters}; empty where a stage does not average.
  """

  step: jax.Array
  params: dict[str, Tree]
  opt: dict[str, Tree]
  stats: dict[str, Tree]
  ema: dict[str, Tree]


def create(params: dict[str, Tree], stats: dict[str, Tree],
           txs: dict[str, optax.GradientTransformation], ema: tuple[str, ...] = ()) -> TrainState:
  """The state before the first step; `txs` maps nets to optimizers, `ema` names averaged nets."""
  return TrainState(
    step=jnp.zeros((), jnp.int32), params=params,
    opt={name: tx.init(params[name]) for name, tx in txs.items()},
    stats=stats, ema={name: params[name] for name in ema})


def apply_grads(state: TrainState, grads: dict[str, Tree],
                txs: dict[str, optax.GradientTransformation], stats: dict[str, Tree] | None = None,
                ema_decay: float = 0.999) -> TrainState:
  """One update of the nets named in `grads`; new batch statistics replace the old ones.

  Parameters of nets in `state.ema` are averaged with `ema_decay`, less of it in the first steps:
  otherwise a short run would keep a part of its random start. AssertionError, while it is traced,
  where gradients or statistics have other shapes or types than what they change.
  """
  for new, old in ((grads, state.params), (stats or {}, state.stats)):
    chex.assert_trees_all_equal_shapes_and_dtypes(new, {name: old[name] for name in new})
  params, opt = dict(state.params), dict(state.opt)
  for name, grad in grads.items():
    updates, opt[name] = txs[name].update(grad, opt[name], params[name])
    params[name] = optax.apply_updates(params[name], updates)
  decay = jnp.minimum(ema_decay, (1 + state.step) / (10 + state.step))
  ema = {name: optax.incremental_update(params[name], old, 1 - decay)
         for name, old in state.ema.items()}
  return state.replace(step=state.step + 1, params=params, opt=opt, ema=ema,
                       stats={**state.stats, **(stats or {})})
