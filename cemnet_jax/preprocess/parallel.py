"""Work spread over processes with results in order, so that their number changes nothing."""

import collections
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import cv2
from threadpoolctl import threadpool_limits

Task = TypeVar('Task')
Result = TypeVar('Result')
AHEAD = 3  # tasks under way for each process: memory stays bounded where results are taken slowly


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], processes: int
                ) -> Iterator[Result]:
  """function(task) of each task in order; in this process where `processes` is 1.

  Each process uses one core: many small products gain nothing from threads, and waiting threads
  slow the others down. `function` and tasks are pickled, so `function` is a module's own.
  """
  if processes <= 1:
    with threadpool_limits(1):
      yield from map(function, tasks)
    return
  # Not fork: the caller may hold threads and locks (tfds, jax) that a forked child would inherit.
  context = multiprocessing.get_context('forkserver')
  pool = ProcessPoolExecutor(processes, context, initializer=_use_one_core)
  waiting = collections.deque()
  try:
    for task in tasks:
      waiting.append(pool.submit(function, task))
      if len(waiting) >= AHEAD * processes:
        yield waiting.popleft().result()
    while waiting:
      yield waiting.popleft().result()
  finally:
    pool.shutdown(cancel_futures=True)


def _use_one_core():
  threadpool_limits(1)
  cv2.setNumThreads(1)
