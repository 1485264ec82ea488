"""A pool of features: frozen networks run once over some batches, then serve many steps."""

from collections.abc import Callable

import jax
import numpy as np

from cemnet_jax.train.process import step_compile


class FeaturePool:
  """Dataset-like: `pool[step]` is a batch of features, a pure function of (seed, step).

  With `train=False` it has the batches of `dataset` in their own order and a length.
  """

  def __init__(self, dataset, features: Callable, frozen: dict, *, batches: int, batch_size: int,
               seed: int = 0, train: bool = True):
    """Runs `features(frozen, batch) -> {name: (B, ...)}`, jitted, over `dataset[0:batches]`.

    Args:
      dataset: `dataset[i]` is batch i, a dict of numpy arrays.
      features: pure function; what it returns is all that the stage will see.
      frozen: frozen stages, passed through.
      batches: how many batches to run; an evaluation set has at most its own length.
      batch_size: examples per served batch in this process.
      seed: of the random choice.
      train: random batches if true, else the batches in order.
    """
    count = batches if train else min(batches, len(dataset))
    run = jax.jit(features, compiler_options=step_compile())
    frozen = jax.device_put(frozen)
    parts, running = [], run(frozen, dataset[0])
    for i in range(1, count):
      following = run(frozen, dataset[i])  # runs while the features before it come back
      parts.append(jax.device_get(running))
      running = following
    parts.append(jax.device_get(running))
    self._parts = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    self._size = len(next(iter(self._parts.values())))
    self._batch_size, self._seed, self._train, self._count = batch_size, seed, train, count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, step: int) -> dict[str, np.ndarray]:
    if self._train:
      # Each process holds its own part of the batches, and draws from that.
      rng = np.random.default_rng([self._seed, step, jax.process_index()])
      rows = rng.choice(self._size, self._batch_size, replace=self._size < self._batch_size)
    else:
      if not 0 <= step < self._count:
        raise IndexError(f'batch {step} of {self._count}')
      rows = slice(step * self._batch_size, (step + 1) * self._batch_size)
    return {name: part[rows] for name, part in self._parts.items()}
