"""`cemnet quickstart`: data, training, evaluation, videos and a report from nothing, resumable."""

import json
import os
from pathlib import Path

from cemnet_jax.commands.arguments import path_name

SIZES = ('quickstart', 'debug')


def add_arguments(parser) -> None:
  """Flags of the command."""
  parser.add_argument('--out', type=path_name, default='quickstart', metavar='DIR',
                      help='gets all results')
  parser.add_argument('--data', type=path_name, default='data_cache', metavar='DIR',
                      help='where data is built')
  parser.add_argument('--size', default='quickstart', choices=SIZES,
                      help='debug: a few minutes, and results that mean nothing')


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
    quickstart(Path(args.out), args.data, args.size)


def quickstart(out: Path, data_dir, size: str) -> None:
  """Leaves talk_<n>.mp4, side_by_side.mp4, contact_sheet.png, results.md and work/ in `out`.

  Parts that were finished are not done again; training goes on at the step it had reached.

  Raises:
    UserError: a folder that cannot be written, or settings unlike those of an earlier run.
  """
  from cemnet_jax.data.source import Clips
  from cemnet_jax.evaluate import quickstart as show
  from cemnet_jax.evaluate import tables
  from cemnet_jax.evaluate.clock import Clock
  from cemnet_jax.files import write_text
  from cemnet_jax.train_system import load_config, train_system
  from tfds_builders.prepare import prepare_synthetic
  work = out / 'work'
  clock = Clock(work / 'times.json')
  _say('1/4 data')
  with clock.part('data'):
    prepare_synthetic(data_dir, size, os.cpu_count() or 1, _say)
  for system in show.TRAINED:
    _say(f'2/4 training of {system}')
    with clock.part(f'training of {system}'):
      train_system(system, size, data_dir, work)
  mead, lrs = (load_config(stage, size).data.dataset for stage in ('ebm', 'audio2mouth'))

  _say('3/4 evaluation on speakers and sentences that were held out')
  scores = work / 'results.json'
  if not (clock.finished('evaluation') and scores.is_file()):
    with clock.part('evaluation'):
      measured, rows = show.evaluate(data_dir, work, mead, lrs, size)
      tables.write_lines(scores, measured, rows)
  measured = json.loads(scores.read_text())

  _say('4/4 talking videos')
  clips = Clips(data_dir, mead)
  files = show.video_files(out, clips)
  if not (clock.finished('videos') and all(path.is_file() for path in files)):
    with clock.part('videos'):
      show.make_videos(out, clips, work)
  write_text(out / 'results.md', show.results(measured, clock, work, size))
  _say(f'\n{show.summary(measured, clock)}\n\n{out}: results.md, '
       + ', '.join(path.name for path in files))


def _say(line: str) -> None:
  print(line, flush=True)
