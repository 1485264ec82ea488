"""What a process sets once, before it touches a device: the compilation cache, its cluster."""

import functools
import os
import time
from pathlib import Path

import jax

from cemnet_jax.errors import UserError

SECONDS_TO_SEE = 90  # network file systems may hide a new file as long as they keep attributes

# XLA's options for a program that runs once or twice on a CPU: compiling it well would take longer
# than running it.
QUICK_COMPILE = {'xla_backend_optimization_level': 0, 'xla_llvm_disable_expensive_passes': True}


@functools.cache
def step_compile() -> dict[str, str] | None:
  """XLA's options for training steps: on CPU, convolutions by Eigen and not by YNNPACK.

  At training's batches Eigen is up to 2.2 times faster (docs/benchmarks.md). None elsewhere, and
  where XLA is another version, which knows no such option.
  """
  options = {'xla_cpu_experimental_ynn_fusion_type': ''}
  if jax.default_backend() != 'cpu':
    return None
  try:
    jax.jit(lambda x: x, compiler_options=options).lower(0.).compile()
  except jax.errors.JaxRuntimeError:
    return None
  return options


def cache_dir() -> Path:
  """Where compiled programs are kept: $CEMNET_CACHE, else cemnet_jax in the user's cache."""
  user = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
  return Path(os.environ.get('CEMNET_CACHE') or user / 'cemnet_jax')


def keep_compiled_programs(seconds: float = 0.5) -> None:
  """Programs that took longer than that to compile are found again by the next run."""
  jax.config.update('jax_compilation_cache_dir', str(cache_dir() / 'xla'))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', seconds)


def join_cluster(coordinator: str | None = None, num_processes: int | None = None,
                 process_id: int | None = None) -> None:
  """Joins the other processes of a run; all None: found out from Slurm, a TPU pod or MPI.

  Args:
    coordinator: host:port of the first process.
    num_processes: how many there are.
    process_id: which one this is, from 0.

  Raises:
    UserError: the cluster is not described, or does not answer.
  """
  jax.config.update('jax_cpu_collectives_implementation', 'gloo')  # read on CPU clusters only
  try:
    jax.distributed.initialize(coordinator, num_processes, process_id)
  except (ValueError, RuntimeError) as error:
    raise UserError(f'--distributed: {str(error).splitlines()[0]}; give --coordinator=HOST:PORT '
                    '--num_processes=N --process_id=I') from error


def meet(name: str, path: Path | None = None) -> None:
  """Waits until every process of the run is here, and sees the file `path` that the first wrote.

  All must come, whatever each of them sees on its disk: so never call it under a condition that
  another process may judge otherwise.

  Raises:
    UserError: the file does not appear here, so the processes do not share a folder.
  """
  if jax.process_count() == 1:
    return
  from jax.experimental import multihost_utils
  multihost_utils.sync_global_devices(name)
  last = time.monotonic() + SECONDS_TO_SEE
  while path is not None and not path.is_file():
    if time.monotonic() > last:
      raise UserError(f'{path}: written by the first process, but process {jax.process_index()} '
                      'does not see it; give all processes one shared --workdir')
    time.sleep(0.1)
