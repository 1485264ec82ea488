"""Work on files that may crash or hang a decoder: workers that are watched and replaced.

pebble.ProcessPool knows no sign of life, and with one added took 2.5 times the CPU for each task.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any, NamedTuple

import cv2
from threadpoolctl import threadpool_limits

SILENCE_LIMIT = 60.0  # s without a sign of life after which a task counts as hung
START_LIMIT = 120.0  # s that a new worker may take to start and import what it needs
_BEAT = 'beat'


class Failed(NamedTuple):
  """What came of a task whose process did not live to tell."""
  reason: str


class _Worker:
  """One process and the task it works on."""

  def __init__(self, context, function, limit):
    self.connection, theirs = context.Pipe()
    self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
    self.process.start()
    theirs.close()
    self.limit, self.index, self.heard = limit, None, time.monotonic()
    self.new = True

  def give(self, index, task):
    self.index, self.heard = index, time.monotonic()
    self.connection.send(task)

  def look(self, ready: bool) -> tuple[bool, Any]:
    """(whether the task is over, its result), after a message when one is `ready`."""
    if not ready:
      limit = max(self.limit, START_LIMIT) if self.new else self.limit
      hung = time.monotonic() - self.heard > limit
      return hung, Failed(f'gave no sign of life for {limit:g} s') if hung else None
    try:
      kind, value = self.connection.recv()
    except (EOFError, OSError):
      self.process.join()
      code = self.process.exitcode
      how = signal.Signals(-code).name if code and code < 0 else f'exit code {code}'
      return True, Failed(f'the process that read it died ({how})')
    self.heard, self.new = time.monotonic(), False
    return (False, None) if kind == _BEAT else (True, value)

  def stop(self):
    self.process.kill()
    self.process.join()
    self.connection.close()


class Guard:
  """`guard(task)` is function(task, beat) in a process of its own, which serves many calls."""

  def __init__(self, function: Callable, limit_s: float = SILENCE_LIMIT):
    self._arguments, self._worker = (_context(), function, limit_s), None

  def __call__(self, task) -> Any:
    """The result, or `Failed` when the process died or fell silent."""
    self.begin(task)
    return self.result()

  def begin(self, task) -> None:
    """Gives the task to the process, and does not wait."""
    self._worker = self._worker or _Worker(*self._arguments)
    self._worker.give(0, task)

  def result(self) -> Any:
    """Of the task that was begun, see `__call__`."""
    over = False
    while not over:
      over, result = self._worker.look(self._worker.connection.poll(1.0))
    if isinstance(result, Failed):
      self.close()
    return result

  def close(self) -> None:
    """Ends the process; the next call starts another."""
    if self._worker:
      self._worker.stop()
      self._worker = None


def guarded_map(function: Callable, tasks: Iterable, processes: int,
                limit_s: float = SILENCE_LIMIT) -> Iterator[tuple[int, Any]]:
  """(index, function(task, beat)) of each task as it ends, in no set order.

  `function` is a module's own, raises nothing of interest, and calls `beat()` now and then. A task
  whose process dies, or gives no sign for `limit_s` seconds, yields `Failed`, and a new process
  takes its place. With `processes` 0 all is done in this process, unguarded.
  """
  if processes == 0:
    for index, task in enumerate(tasks):
      yield index, function(task, _nothing)
    return
  context, queue, workers = _context(), enumerate(tasks), []
  try:
    for index, task in queue:
      workers.append(_Worker(context, function, limit_s))
      workers[-1].give(index, task)
      if len(workers) == processes:
        break
    while workers:
      ready = wait([w.connection for w in workers], timeout=1.0)
      for i, worker in enumerate(workers):
        over, result = worker.look(worker.connection in ready)
        if not over:
          continue
        index = worker.index
        if isinstance(result, Failed):
          worker.stop()
          worker = workers[i] = _Worker(context, function, limit_s)
        following = next(queue, None)
        if following is None:
          worker.index = None
        else:
          worker.give(*following)
        yield index, result
      for worker in [w for w in workers if w.index is None]:
        worker.stop()
        workers.remove(worker)
  finally:
    for worker in workers:
      worker.stop()


def _context():
  # Not fork: the caller may hold threads and locks (tfds, jax) that a forked child would inherit.
  return multiprocessing.get_context('forkserver')


def _serve(connection, function) -> None:
  """What a worker does: tasks in, results out, until it is killed or the pipe closes."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  threadpool_limits(1)
  cv2.setNumThreads(1)
  connection.send((_BEAT, None))  # from here on the first task has no more time than others
  while True:
    try:
      task = connection.recv()
    except EOFError:
      return
    connection.send(('result', function(task, lambda: connection.send((_BEAT, None)))))


def _nothing() -> None:
  return None
