"""Frames a second of generation from start to end, against IP-LAP's way in PyTorch; its memory.

  python -m benchmarks.generate_speed --seconds 10.2 --size full --out generate_speed.md
  python -m benchmarks.generate_speed --memory --size debug --out generate_memory.md

A synthetic face of a video file says what it says there, through decoding, landmarks, audio
features, the nets, paste-back and encoding, as `cemnet generate` does it. In PyTorch the same nets
with the same random weights do the same twice: as IP-LAP's inference does, one window and one frame
at a time and the references encoded anew for each, and in our batches with references encoded once.
Everything around the nets is the same code.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.memory import STEPS, peaks
from benchmarks.table import emit, line, rule
from configs.common import OURS

COMMAND = f'Command: `python -m benchmarks.generate_speed {shlex.join(sys.argv[1:])}`'


def parse_args() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--seconds', type=float, default=10.2, help='of video; 10.2 fill the batches')
  add('--size', choices=OURS, default='full', help='preset of the configs')
  add('--image-size', type=int, default=0, help="px of the crops; 0: the preset's")
  add('--frame-size', type=int, default=256, help='px of the video')
  add('--repeats', type=int, default=5, help='videos by each program, in turns')
  add('--landmarker', metavar='FILE', help='finds landmarks with it; without, they are known')
  add('--exact', action='store_true', help='whole float32 products in place of TF32')
  add('--memory', action='store_true', help='peak memory by length in place of times')
  add('--minutes', type=float, nargs='+', default=[1, 10, 60], help='lengths for --memory')
  add('--out', type=Path, help='a file that gets what is printed')
  return parser.parse_args()


def memory_table(args: argparse.Namespace) -> Iterator[str]:
  """Peaks by length, line by line."""
  yield COMMAND
  yield ''
  yield line('minutes', *(f'{step}, MB' for step in STEPS), 'peak / that of the first')
  yield rule(len(STEPS) + 2)
  first = None
  for minutes in args.minutes:
    found = peaks(minutes, args.size, args.image_size)
    first = found[STEPS[-1]] if first is None else first
    yield line(f'{minutes:g}', *(f'{found[step]:.0f}' for step in STEPS),
               f'{found[STEPS[-1]] / first:.2f}')


def speed_table(args: argparse.Namespace) -> Iterator[str]:
  """Times, line by line."""
  from benchmarks.speed.comparison import report  # late: see `speed.memory`
  yield COMMAND
  yield from report(args)


def main() -> None:
  args = parse_args()
  os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # PyTorch shares the device
  emit(memory_table(args) if args.memory else speed_table(args), args.out)


if __name__ == '__main__':
  main()
