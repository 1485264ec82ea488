"""`cemnet benchmark`: every system on the synthetic benchmark, over seeds, and its report."""

import os
from pathlib import Path

from cemnet_jax.commands.arguments import integer, path_name

SIZES = ('benchmark', 'debug')
FULL = ('cemnet', 'cemnet_no_ebm', 'cemnet_no_aee')  # with every seed; the first two pool alike
ONCE = ('scorers', 'a2m_renderer', 'wav2lip')  # with the first seed alone
# Of the first seed: the renderer draws the landmarks of all, beside what it learned from.
SHARED = ('image_emotion', 'renderer')
CELL_CLIPS = 4  # of each cell of the matrix and repetition


def add_arguments(parser) -> None:
  """Flags of the command."""
  parser.add_argument('--out', type=path_name, default='benchmark', metavar='DIR',
                      help='gets all results')
  parser.add_argument('--data', type=path_name, default='data_cache', metavar='DIR',
                      help='where data is built')
  parser.add_argument('--seeds', type=integer(1, 100), default=3, metavar='N',
                      help='trainings of the systems')
  parser.add_argument('--size', default='benchmark', choices=SIZES,
                      help='debug: minutes, and results that mean nothing')
  parser.add_argument('--clips', type=integer(1), default=200, metavar='N',
                      help='clips of each split that are measured in every repetition')
  parser.add_argument('--drawn', type=integer(0), default=4, metavar='N',
                      help='those of them that are drawn as pictures')


def run(args) -> None:
  """Does what is not done yet."""
  from absl import flags

  from cemnet_jax.files import locked
  from cemnet_jax.train import process
  from cemnet_jax.train.loop import check_workdir
  if not flags.FLAGS.is_parsed():
    flags.FLAGS.mark_as_parsed()  # Grain's loader processes read absl flags
  process.keep_compiled_programs()
  check_workdir(args.out)
  with locked(args.out):
    benchmark(Path(args.out), Path(args.data), args.size, args.seeds, args.clips, args.drawn)


def benchmark(out: Path, data_dir: Path, size: str, seeds: int, clips: int, drawn: int) -> None:
  """Leaves seed_<n>/ with trained systems, times.json, and report/ with tables and figures.

  Parts that were finished are not done again; training goes on at the step it had reached, and
  evaluation at the case.

  Raises:
    UserError: a folder that cannot be written, or settings unlike those of an earlier run.
  """
  from cemnet_jax.evaluate.clock import Clock
  from tfds_builders.prepare import prepare_synthetic
  clock = Clock(out / 'times.json')
  with clock.part('data'):
    prepare_synthetic(data_dir, size, os.cpu_count() or 1, _say)
  folders = [out / f'seed_{seed}' for seed in range(seeds)]
  for seed, folder in enumerate(folders):
    with clock.part(f'training, seed {seed}'):
      _train(folder, folders[0], data_dir, size, seed)
  with clock.part('evaluation'):
    _report(out / 'report', folders, data_dir, clips, drawn)
  _say('\n'.join(f'{name}: {seconds:.0f} s' for name, seconds in clock.seconds.items()))


def _train(folder, first, data_dir, size, seed):
  from cemnet_jax.systems import SYSTEMS
  from cemnet_jax.train_system import train_system
  if folder != first:
    folder.mkdir(parents=True, exist_ok=True)
    for stage in SHARED:
      if not os.path.lexists(folder / stage):  # or an earlier version trained it here
        (folder / stage).symlink_to(Path('..') / first.name / stage, target_is_directory=True)
  for system in (*FULL, *(ONCE if folder == first else ())):
    _say(f'seed {seed}: training of {system}')
    # Scorers have seeds of their own, as have all stages of the first seed: their configs'.
    changes = tuple(f'{stage}.seed={seed}' for stage in SYSTEMS[system] if stage not in SHARED)
    train_system(system, size, data_dir, folder, changes if seed else ())


def _report(out, folders, data_dir, clips, drawn):
  from cemnet_jax.evaluate.evaluation import Places, default_datasets, evaluate
  from cemnet_jax.evaluate.report import RECORDS, TITLES, write_report
  from cemnet_jax.evaluate.run import Settings
  from cemnet_jax.evaluate.understanding.chapters import understand
  from cemnet_jax.infer.compiled import compile_well
  compile_well()
  mead, lrs = default_datasets(folders[0], None, None)
  found = evaluate(Places(folders, data_dir, mead, lrs),
                   Settings(tuple(TITLES), clips=clips, cell_clips=CELL_CLIPS, drawn=drawn),
                   out / RECORDS)
  seen = understand(found.clips['mead'], folders[0], out, progress=_say)
  write_report(out, f'Benchmark on {mead}, {len(folders)} seed(s)', found, _say, seen)
  _say(f'{out}: results.md, results.json, index.html')


def _say(line: str) -> None:
  print(line, flush=True)
