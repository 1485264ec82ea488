"""Seconds and memory of one video by a new process, as somebody meets it who runs the command."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
  from cemnet_jax.infer import loading
  from cemnet_jax.infer.talker import Options, Talker, as_references, record_audio
  from cemnet_jax.infer.warm_up import warm_up
  from cemnet_jax.preprocess.video import is_picture
  from cemnet_jax.topology import SAMPLES_PER_FRAME
  from cemnet_jax.train.process import keep_compiled_programs
  keep_compiled_programs(seconds=0.1)
  audio = record_audio(speech)
  nets = loading.load(system_dir, system)
  talker, pictures = Talker(nets), 1 if is_picture(reference) else len(audio)
  compiled = warm_up(nets, pictures)
  references = as_references([reference], landmarker or None, len(audio) // SAMPLES_PER_FRAME,
                             talker.crop)
  compiled()
  frames = talker.stream(references, audio, options=Options(**parse_options(options)))
  next(frames)
  first, began = time.time(), time.perf_counter()
  count = sum(1 for _ in frames)
  return {'first_frame_at': first, 'ms_per_frame': 1e3 * (time.perf_counter() - began) / count,
          'peak_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == '__main__':
  print(json.dumps(_run(*sys.argv[1:])))
