"""The contract between a stage and the loop: pure functions, jitted by the loop."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

Tree = Any
Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]
Frozen = dict[str, Tree]


class Stage(NamedTuple):
  """What one stage of a system trains, as a value.

  Attributes:
    init: `(key, frozen, batch) -> TrainState`, with step 0. The batch only gives shapes.
    step: `(state, frozen, batch, seed) -> (state, metrics)`; adds one to `state.step`; metrics are
      scalars. Random keys come from `rng.key_for(seed, state.step, name)`; the seed is an argument
      so that a program serves every seed.
    evaluate: `(state, frozen, batch) -> {name: clu.metrics.Average}` over the examples whose
      `batch['mask']` is one: sums and counts, so that batches and hosts add up exactly.
    score: None, or `{name: (N, ...)} -> {metric: value}` on the host, for what compares examples
      of different batches: `evaluate` then returns a row for each example, `{name: (B, ...)}` with
      `mask`, and `score` is given the rows of the whole evaluation but those of `mask` 0.
  """

  init: Callable[[jax.Array, Frozen, Batch], Any]
  step: Callable[[Any, Frozen, Batch, jax.Array], tuple[Any, Metrics]]
  evaluate: Callable[[Any, Frozen, Batch], dict[str, Any]]
  score: Callable[[dict[str, np.ndarray]], dict[str, float]] | None = None
