"""What the programs ran on: devices, versions, and the peak that a large product reaches."""

import os
import platform
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks.speed.timing import seconds_of

PRODUCT = {'cpu': 2048, 'gpu': 8192}  # rows and columns of the matrices
REPEATS = 5


def torch_device() -> str:
  """PyTorch's name of the device that JAX uses, or its CPU where it cannot use that."""
  return 'cuda' if jax.default_backend() == 'gpu' and torch.cuda.is_available() else 'cpu'


def configure(exact: bool) -> None:
  """The same threads and the same rounding of products in both.

  Args:
    exact: whole float32 products; otherwise TF32 on devices that have it, in both.
  """
  torch.set_num_threads(threads())
  torch.set_float32_matmul_precision('highest' if exact else 'high')
  torch.backends.cudnn.allow_tf32 = not exact
  torch.backends.cudnn.benchmark = True
  jax.config.update('jax_default_matmul_precision', 'float32' if exact else 'default')


def threads() -> int:
  """As many as this process may run at once; JAX starts so many too."""
  return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def wait(device: str) -> None:
  """Until PyTorch's device has done all it was asked for."""
  if device == 'cuda':
    torch.cuda.synchronize()


def peak_flops(device: str) -> tuple[float, str]:
  """Floating-point operations a second of a large float32 product, of the faster of the two, and
  its name."""
  n = PRODUCT.get(jax.default_backend(), 8192)
  matrix = np.random.default_rng(0).random((n, n), np.float32)
  ours, theirs = jnp.asarray(matrix), torch.from_numpy(matrix).to(device)
  product = jax.jit(jnp.matmul)

  def run_torch(count: int) -> None:
    torch.mm(theirs, theirs)
    wait(device)

  runs = {'JAX': lambda count: jax.block_until_ready(product(ours, ours)), 'PyTorch': run_torch}
  best = {name: min(seconds_of(run) for _ in range(1 + REPEATS)) for name, run in runs.items()}
  name = min(best, key=best.get)
  return 2 * n**3 / best[name], f'{name}, {n} x {n}'


def describe(device: str, exact: bool) -> list[str]:
  """Lines on devices, versions and number format."""
  ours = jax.devices()[0]
  theirs = torch.cuda.get_device_name() if device == 'cuda' else 'CPU'
  precision = 'float32 products' if exact else 'TF32 products where the device has them'
  return [
    f'Machine: {processor()}, {threads()} threads; JAX on {ours.device_kind}, PyTorch on '
    f'{theirs}',
    f'Versions: Python {platform.python_version()}, jax {jax.__version__}, '
    f'torch {torch.__version__}',
    f'Numbers: float32, {precision}; weights and batches are random']


def processor() -> str:
  """Name of the CPU."""
  info = Path('/proc/cpuinfo')
  names = [line.split(':', 1)[1].strip() for line in (
    info.read_text().splitlines() if info.is_file() else []) if line.startswith('model name')]
  return names[0] if names else platform.processor() or platform.machine()
