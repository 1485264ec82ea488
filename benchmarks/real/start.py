"""Seconds and memory of one video by a new process, as somebody meets it who runs the command."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cemnet_jax.errors import UserError

COLD, WARM = 'cold compile cache', 'warm compile cache'


def starts(system_dir, system: str, reference: Path, speech: Path, options: Sequence[str],
           landmarker=None) -> dict[str, dict[str, float]]:
  """COLD and WARM -> seconds from the start of a process to its first frame, seconds of each later
  frame, and peak memory in MB.

  Raises:
    UserError: the process failed.
  """
  call = [sys.executable, '-m', __spec__.name, str(system_dir), system, str(reference),
          str(speech), str(landmarker or ''), *options]
  found = {}
  with tempfile.TemporaryDirectory() as folder:
    for name in (COLD, WARM):
      began = time.time()
      done = subprocess.run(call, stdout=subprocess.PIPE, text=True,
                            env=os.environ | {'CEMNET_CACHE': folder})
      if done.returncode:
        raise UserError(f'timing of {reference}: its process failed with {done.returncode}')
      told = json.loads(done.stdout.splitlines()[-1])
      found[name] = {'first_frame_s': told.pop('first_frame_at') - began, **told}
  return found


def _run(system_dir: str, system: str, reference: str, speech: str, landmarker: str,
         *options: str) -> dict:
  """What `cemnet generate` does, up to the frames."""
  from benchmarks.real.footage import parse_options
  from cemnet_jax.infer.start import start
  from cemnet_jax.infer.talker import Options
  talker, references, audio = start(partial(_load, system_dir, system), [reference], speech,
                                    landmarker=landmarker or None)
  frames = talker.stream(references, audio, options=Options(**parse_options(options)))
  next(frames)
  first, began = time.time(), time.perf_counter()
  count = sum(1 for _ in frames)
  return {'first_frame_at': first, 'ms_per_frame': 1e3 * (time.perf_counter() - began) / count,
          'peak_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _load(system_dir, system):
  from cemnet_jax.infer import loading
  return loading.load(system_dir, system)


if __name__ == '__main__':
  print(json.dumps(_run(*sys.argv[1:])))
