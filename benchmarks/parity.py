"""How far every net is from its PyTorch counterpart on the same random weights, as a table.

  python -m benchmarks.parity --width paper --out parity.md

Both compute in float32 on this machine's CPU, gradients of `kinked` nets in float64. The gradients
are those of a randomly weighted mean of all outputs, for every parameter. A relative difference is
the largest in an array over the largest magnitude in that array; the table has the worst array.
"""

import argparse
import os
from pathlib import Path

os.environ['JAX_PLATFORMS'] = 'cpu'  # before JAX is imported

from benchmarks.table import line, rule
from benchmarks.torch_nets.cases import ALL
from benchmarks.torch_nets.compare import Case, compare, modes

COLUMNS = ('net', 'parameters', 'BatchNorm', 'outputs: absolute', 'relative', 'gradients: absolute',
           'relative')


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
    result = compare(case, train)
    mode = ('of the batch' if train else 'running') if len(modes(case)) > 1 else 'none'
    figures = [f'{x:.1e}' for difference in result for x in difference]
    found.append(line(name, f'{count:,}', mode, *figures))
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
