"""Time of one training step of every stage: ours under XLA against PyTorch, eager and compiled.

  python -m benchmarks.train_speed --size full --out train_speed.md
  python -m benchmarks.train_speed --check --size debug

Both sides do the same work: the same nets and weights, the same batch, which lies on the device,
the same losses and augmentations, backward, Adam. `--check` shows that: with dropout off and the
same augmentation, the losses of the first two steps agree.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # PyTorch shares the device

import jax
import numpy as np

from benchmarks.speed import machine, profile, training
from benchmarks.speed.timing import in_turns, quartiles, ratio, rounded
from benchmarks.table import emit, line, rule
from configs.common import OURS

COLUMNS = ('stage', 'batch', 'step', 'ms/step', 'examples/s', 'GFLOP/step', 'of peak',
           "time / JAX's", 'first step s')
JAX, PLAIN = 'JAX', "JAX, XLA's own choices"
EAGER, COMPILED = 'PyTorch', 'PyTorch, torch.compile'
TOLERANCE = 1e-3  # of losses that should agree, relative


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--size', choices=OURS, default='full', help='preset of the configs')
  add('--stages', nargs='+', choices=training.COUNTERPARTS, metavar='STAGE',
      default=list(training.COUNTERPARTS), help=f'of {", ".join(training.COUNTERPARTS)}')
  add('--batch', type=int, default=0, help="examples in a batch; 0: the preset's")
  add('--repeats', type=int, default=7, help='turns of each program')
  add('--seconds', type=float, default=0.5, help='a turn makes as many steps as last so long')
  add('--exact', action='store_true', help='whole float32 products in place of TF32')
  add('--no-compile', action='store_true', help='without torch.compile')
  add('--plain', action='store_true', help="also ours, compiled with XLA's own choices")
  add('--check', action='store_true', help='compare losses instead of times')
  add('--profile', type=Path, metavar='DIR', help="XLA's traces of our steps, a folder per stage")
  add('--out', type=Path, help='a file that gets what is printed')
  return parser.parse_args(arguments)


def programs(name: str, of: training.Subject, device: str, with_compiled: bool, with_plain: bool,
             ) -> tuple[dict[str, training.Program], float, str]:
  """What is timed for a stage, our operations per step, and why torch.compile failed, or ''."""
  first, flops = training.ours(of)
  found = {JAX: first, EAGER: training.theirs(name, of, device, compiled=False)}
  if with_plain:
    found[PLAIN], _ = training.ours(of, plain=True)
  if not with_compiled:
    return found, flops, ''
  try:
    found[COMPILED] = training.theirs(name, of, device, compiled=True)
  except Exception as error:  # its compilers fail in many ways: the table says how
    return found, flops, f'{type(error).__name__}: {" ".join(str(error).split())[:120]}'
  return found, flops, ''


def rows(name: str, args: argparse.Namespace, device: str, peak: float, profiles: dict,
         ) -> Iterator[str]:
  """The table's rows of one stage; `profiles` gets the shares of our step's time."""
  of = training.subject(name, args.size, args.batch)
  found, flops, failure = programs(name, of, device, not args.no_compile, args.plain)
  times = in_turns({key: program.run for key, program in found.items()}, args.repeats,
                   args.seconds)
  if args.profile:
    with jax.profiler.trace(args.profile / name):
      found[JAX].run(1)
    if device == 'cpu':
      profiles[name] = profile.shares(found[JAX].hlo, args.profile / name)
  count = len(of.batch['mask'])
  for key, seconds in times.items():
    median = float(np.median(seconds))
    against = '1' if key == JAX else ratio(seconds, times[JAX]).text()
    yield line(name, str(count), key, quartiles(1e3 * seconds).text(), rounded(count / median),
               rounded(flops / 1e9), f'{100 * flops / median / peak:.1f} %', against,
               rounded(found[key].first))
  if failure:
    yield line(name, str(count), COMPILED, failure, *[''] * 5)


def table(args: argparse.Namespace) -> Iterator[str]:
  """The report, line by line."""
  machine.configure(args.exact)
  device = machine.torch_device()
  yield f'Command: `python -m benchmarks.train_speed {shlex.join(sys.argv[1:])}`'
  yield from machine.describe(device, args.exact)
  peak, how = machine.peak_flops(device)
  yield f'Peak: {rounded(peak / 1e9)} GFLOP/s, measured by a float32 product ({how})'
  yield ''
  yield line(*COLUMNS)
  yield rule(len(COLUMNS))
  profiles = {}
  for name in args.stages:
    yield from rows(name, args, device, peak, profiles)
    jax.clear_caches()
  if profiles:
    yield from ('', "Where our step's time goes:", '', line('stage', *profile.KINDS),
                rule(1 + len(profile.KINDS)))
  for name, found in profiles.items():
    yield line(name, *(f'{100 * found[kind]:.0f} %' for kind in profile.KINDS))


def checks(args: argparse.Namespace) -> Iterator[str]:
  """Losses side by side, line by line; SystemExit where those of the first step differ."""
  machine.configure(exact=True)
  yield line('stage', 'step', 'our loss', "PyTorch's", 'relative difference')
  yield rule(5)
  worst = 0.0
  for name in args.stages:
    for number, (a, b) in enumerate(training.check(name, args.size, args.batch)):
      difference = abs(a - b) / abs(b)
      worst = max(worst, difference if number == 0 else 0.0)
      yield line(name, str(number), f'{a:.6g}', f'{b:.6g}', f'{difference:.1e}')
  if worst > TOLERANCE:
    raise SystemExit(f'losses differ by {worst:.1e}, more than {TOLERANCE:.0e}')


def main() -> None:
  args = parse_args()
  emit(checks(args) if args.check else table(args), args.out)


if __name__ == '__main__':
  main()
