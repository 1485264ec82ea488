"""`cemnet quickstart`: data, training, evaluation and videos of the synthetic world."""

SIZES = ('quickstart', 'debug')


def add_arguments(parser) -> None:
  """Flags of the command."""
  parser.add_argument('--out', default='quickstart', metavar='DIR', help='gets all results')
  parser.add_argument('--data', default='data_cache', metavar='DIR', help='where data is built')
  parser.add_argument('--size', default='quickstart', choices=SIZES,
                      help='debug: a few minutes, and results that mean nothing')


def run(args) -> None:
  """Does what is not done yet."""
  from absl import flags

  from cemnet_jax.evaluate.quickstart import quickstart
  from cemnet_jax.train import process
  from cemnet_jax.train.loop import check_workdir
  if not flags.FLAGS.is_parsed():
    flags.FLAGS.mark_as_parsed()  # Grain's loader processes read absl flags
  process.keep_compiled_programs()
  check_workdir(args.out)
  quickstart(args.out, args.data, args.size, report=lambda line: print(line, flush=True))
