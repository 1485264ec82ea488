"""A pool of features: frozen networks run once over some batches, then serve many steps."""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import numpy as np
from jax.experimental import multihost_utils

from cemnet_jax.train.process import step_compile


class Processes(NamedTuple):
  """The processes of a run, as one of them sees them.

  Attributes:
    index: which one this is, from 0.
    count: how many there are.
    gather: {name: array} -> {name: (count, ...)} with the arrays of all of them.
  """

  index: int
  count: int
  gather: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]

  @classmethod
  def of_this_run(cls) -> 'Processes':
    """As JAX knows them."""
    def gather(arrays):
      if jax.process_count() == 1:
        return {name: array[None] for name, array in arrays.items()}
      return multihost_utils.process_allgather(arrays, tiled=False)
    return cls(jax.process_index(), jax.process_count(), gather)


class FeaturePool:
  """Dataset-like: `pool[step]` is this process's part of a batch of features, a pure function of
  (seed, step).

  With `train=False` it has the batches of `dataset` in their own order and a length. Every process
  runs its own part of `dataset` and then holds the features of all: so a batch of all processes
  together is the same, however many they are.
  """

  def __init__(self, dataset, features: Callable, frozen: dict, *, batches: int, batch_size: int,
               seed: int = 0, train: bool = True, deterministic: bool = False,
               processes: Processes | None = None):
    """Runs `features(frozen, batch) -> {name: (B, ...)}`, jitted, over `dataset[0:batches]`.

    Args:
      dataset: `dataset[i]` is this process's part of batch i, a dict of numpy arrays.
      features: pure function; what it returns is all that the stage will see.
      frozen: frozen stages, passed through.
      batches: how many batches to run; an evaluation set has at most its own length.
      batch_size: examples per served batch of all processes together.
      seed: of the random choice.
      train: random batches if true, else the batches in order.
      deterministic: see `process.step_compile`.
      processes: those of this run if None.
    """
    self._processes = processes or Processes.of_this_run()
    count = batches if train else min(batches, len(dataset))
    run = jax.jit(features, compiler_options=step_compile(deterministic))
    frozen = jax.device_put(frozen)
    parts, running = [], run(frozen, dataset[0])
    for i in range(1, count):
      following = run(frozen, dataset[i])  # runs while the features before it come back
      parts.append(jax.device_get(running))
      running = following
    parts.append(jax.device_get(running))
    # (processes, batches, rows, ...) -> rows in the order of the batches of all processes.
    gathered = self._processes.gather(
      {name: np.stack([part[name] for part in parts]) for name in parts[0]})
    self._parts = {name: np.swapaxes(array, 0, 1).reshape(-1, *array.shape[3:])
                   for name, array in gathered.items()}
    chex.assert_equal_shape_prefix(list(self._parts.values()), 1)  # a row of each per example
    self._size = len(next(iter(self._parts.values())))
    self._batch_size, self._seed, self._train, self._count = batch_size, seed, train, count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, step: int) -> dict[str, np.ndarray]:
    if self._train:
      # The 0 was the process's number once: one process draws what it always drew.
      rng = np.random.default_rng([self._seed, step, 0])
      rows = rng.choice(self._size, self._batch_size, replace=self._size < self._batch_size)
    else:
      if not 0 <= step < self._count:
        raise IndexError(f'batch {step} of {self._count}')
      rows = np.arange(step * self._batch_size, (step + 1) * self._batch_size)
    mine = np.split(rows, self._processes.count)[self._processes.index]
    return {name: part[mine] for name, part in self._parts.items()}
