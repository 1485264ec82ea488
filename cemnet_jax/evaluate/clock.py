"""Wall time and peak memory of a job's parts, kept in a file so that a resumed job reports all."""

import contextlib
import json
import resource
import time
from pathlib import Path

from cemnet_jax.files import write_text


class Clock:
  """Adds up the seconds of named parts over all runs of a job, until a part is finished.

  Attributes:
    seconds: part -> wall time so far.
    memory: 'process' and 'child' -> largest resident size, GiB; `child` of one child process.
  """

  def __init__(self, path):
    self._path = Path(path)
    stored = json.loads(self._path.read_text()) if self._path.is_file() else {}
    self.seconds = stored.get('seconds', {})
    self.memory = stored.get('memory', {})
    self._finished = set(stored.get('finished', []))

  def finished(self, name: str) -> bool:
    """Whether the part ran to its end, now or in an earlier run."""
    return name in self._finished

  @contextlib.contextmanager
  def part(self, name: str):
    """Times a part; one that was finished before only checks that nothing is left to do."""
    began = time.monotonic()
    count = not self.finished(name)
    try:
      yield
      self._finished.add(name)
    finally:
      if count:
        self.seconds[name] = self.seconds.get(name, 0.) + time.monotonic() - began
      for who, where in (('process', resource.RUSAGE_SELF), ('child', resource.RUSAGE_CHILDREN)):
        peak = resource.getrusage(where).ru_maxrss / 2 ** 20  # Linux counts in KiB
        self.memory[who] = max(self.memory.get(who, 0.), peak)
      write_text(self._path, json.dumps({'seconds': self.seconds, 'memory': self.memory,
                                         'finished': sorted(self._finished)}, indent=2) + '\n')
