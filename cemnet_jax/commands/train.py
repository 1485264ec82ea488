"""`cemnet train`: all stages of a system in order, skipping finished ones, resuming the rest."""

from cemnet_jax.commands.arguments import MOST_PROCESSES, integer, path_name
from cemnet_jax.systems import SYSTEMS


def add_arguments(parser) -> None:
  """Declares the arguments of the subcommand."""
  parser.add_argument('--system', default='cemnet', help='one of ' + ', '.join(SYSTEMS))
  parser.add_argument('--preset', default='full', help='full; benchmark, quickstart or debug, '
                      "which are smaller; or paper, the paper's algorithm alone")
  parser.add_argument('--data', type=path_name, required=True, help='folder of the built datasets')
  parser.add_argument('--workdir', type=path_name, required=True, help='gets one folder per stage')
  parser.add_argument('--lrs', metavar='NAME', help='dataset of many speakers, such as lrs2/main; '
                      'the synthetic one by default')
  parser.add_argument('--mead', metavar='NAME', help='dataset of eight emotions, such as '
                      'mead/front; the synthetic one by default')
  parser.add_argument('--set', action='append', default=[], metavar='STAGE.KEY=VALUE',
                      help="changes a field of one stage's config, or of all with *")
  parser.add_argument('--tensorboard', action='store_true',
                      help="writes event files for TensorBoard into each stage's folder, too")
  parser.add_argument('--distributed', action='store_true', help='one of several processes')
  parser.add_argument('--coordinator', help='host:port of the first process')
  parser.add_argument('--num_processes', type=integer(1, MOST_PROCESSES),
                      help='how many processes there are')
  parser.add_argument('--process_id', type=integer(0, MOST_PROCESSES),
                      help='which one this is, from 0')


def run(args) -> None:
  """Trains the system."""
  from absl import flags

  from cemnet_jax.train import process
  from cemnet_jax.train_system import train_system
  if not flags.FLAGS.is_parsed():
    flags.FLAGS.mark_as_parsed()  # Grain's loader processes read absl flags
  process.keep_compiled_programs()
  if args.distributed:
    process.join_cluster(args.coordinator, args.num_processes, args.process_id)
  train_system(args.system, args.preset, args.data, args.workdir, tuple(args.set),
               lrs=args.lrs, mead=args.mead, tensorboard=args.tensorboard)
