"""How far every net is from its PyTorch counterpart on the same random weights, as a table.

  python -m benchmarks.parity --width paper --out parity.md

Both compute on this machine's CPU, first in float32, then in float64. The gradients are those of a
randomly weighted mean of all outputs, for every parameter. A relative difference is the largest in
an array over the largest magnitude in that array; the table has the worst array.

In a deep net of ReLUs and max-pools, rounding decides on which side of zero some element is, or
which is the largest, and so gradients: the last two columns tell how far those of each program in
float32 are from its own in float64, so how much of the difference is rounding's.
"""

import argparse
import os
from pathlib import Path

import numpy as np

os.environ['JAX_PLATFORMS'] = 'cpu'  # before JAX is imported

from benchmarks.table import line, rule
from benchmarks.torch_nets.cases import ALL
from benchmarks.torch_nets.compare import Case, compare, modes, run

COLUMNS = ('net', 'parameters', 'BatchNorm', 'outputs: absolute', 'relative', 'gradients: absolute',
           'relative', 'outputs in float64: relative', 'gradients in float64: relative',
           'rounding of ours', "of PyTorch's")


def parse_args() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--width', choices=('small', 'paper'), default='small')
  parser.add_argument('--nets', nargs='+', choices=ALL, default=list(ALL), metavar='NET',
                      help=f'of {", ".join(ALL)}')
  parser.add_argument('--out', type=Path, help='a file that gets the table too')
  return parser.parse_args()


def rows(name: str, case: Case) -> list[str]:
  """The table's rows of one net: one for each way that BatchNorm works in it."""
  found = []
  count = sum(p.numel() for p in case.model.parameters() if p.requires_grad)
  for train in modes(case):
    single, double = run(case, train, np.float32), run(case, train, np.float64)
    mode = ('of the batch' if train else 'running') if len(modes(case)) > 1 else 'none'
    outputs, gradients = compare(*single)
    exact = compare(*double)
    rounding = [compare(rough, true).gradients for rough, true in zip(single, double, strict=True)]
    figures = (*outputs, *gradients, *(x.relative for x in (*exact, *rounding)))
    found.append(line(name, f'{count:,}', mode, *(f'{x:.1e}' for x in figures)))
  return found


def main() -> None:
  args = parse_args()
  table = [line(*COLUMNS), rule(len(COLUMNS))]
  print('\n'.join(table), flush=True)
  for name in args.nets:
    found = rows(name, ALL[name](args.width == 'paper'))
    print('\n'.join(found), flush=True)
    table += found
  if args.out:
    args.out.write_text('\n'.join(table) + '\n')


if __name__ == '__main__':
  main()
