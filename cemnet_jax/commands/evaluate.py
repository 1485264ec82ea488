"""`cemnet evaluate`: the paper's protocols on a trained system, as markdown tables."""

from pathlib import Path

from cemnet_jax.errors import UserError


def add_arguments(parser) -> None:
  """Flags of the command."""
  add = parser.add_argument
  add('--system-dir', required=True, metavar='DIR', help='workdir of a trained system')
  add('--data', required=True, metavar='DIR', help='folder of the built datasets')
  add('--dataset', metavar='NAME', help='clips dataset; otherwise the one the memory learned from')
  add('--protocol', nargs='+', default=['neutral_base', 'cross_emotion'],
      choices=('neutral_base', 'cross_emotion'))
  add('--split', nargs='+', default=['test', 'test_sentence'],
      choices=('val', 'test', 'test_sentence'), help='unseen speakers; unseen sentences')
  add('--repetitions', type=int, default=5, metavar='N', help='with other references each')
  add('--references', type=int, default=5, metavar='N', help='pictures of the speaker')
  add('--clips', type=int, default=0, metavar='N', help='clips of a split; 0 for all')
  add('--rendered-clips', type=int, default=64, metavar='N', help='clips drawn for PSNR and SSIM')
  add('--rendered-frames', type=int, default=16, metavar='N', help='frames drawn of each')
  add('--seed', type=int, default=0)
  add('--out', metavar='MD', help='also write the tables here, and all numbers beside as .json')


def run(args) -> None:
  """Prints the tables."""
  for name in ('repetitions', 'references'):
    if getattr(args, name) < 1:
      raise UserError(f'--{name} {getattr(args, name)}: at least 1 is needed')
  if args.out and Path(args.out).suffix != '.md':
    raise UserError(f'--out {args.out}: give a name that ends in .md')
  from cemnet_jax.data.source import Clips
  from cemnet_jax.evaluate import tables
  from cemnet_jax.evaluate.methods import trained_methods
  from cemnet_jax.evaluate.protocol import Settings, evaluate
  from cemnet_jax.preprocess.video import check_writable
  from cemnet_jax.train import ckpt, process
  process.keep_compiled_programs()
  if args.out:
    check_writable(args.out)
  methods = trained_methods(args.system_dir)
  dataset = args.dataset or ckpt.load_config(Path(args.system_dir) / 'ebm')['data']['dataset']
  rows = evaluate(
    Clips(args.data, dataset), methods,
    Settings(args.protocol, args.split, args.repetitions, args.references, args.clips,
             args.rendered_clips, args.rendered_frames, args.seed),
    progress=lambda line: print(line, flush=True))
  render_config = ckpt.load_config(Path(args.system_dir) / 'renderer')
  text = (f'# {args.system_dir} on {dataset}\n\n'
          + tables.all_tables(rows, render_config['data']['image_size']))
  print('\n' + text)
  if args.out:
    tables.write_text(args.out, text + '\n')
    tables.write_rows(Path(args.out).with_suffix('.json'), rows)
