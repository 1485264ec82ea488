"""`cemnet evaluate`: the paper's protocols on trained systems, into a folder of results."""

from pathlib import Path

from cemnet_jax.commands.arguments import integer, path_name
from cemnet_jax.errors import UserError

PROTOCOLS = ('neutral_base', 'cross_emotion', 'lrs', 'ablation', 'matrix', 'intensity')
DEFAULT_PROTOCOLS = ('neutral_base', 'cross_emotion')
MOST_RAW = 4096  # px


def add_arguments(parser) -> None:
  """Flags of the command."""
  add = parser.add_argument
  add('--system-dir', required=True, nargs='+', action='extend', type=path_name, metavar='DIR',
      help='workdir of the trained systems; one for each training seed')
  add('--data', required=True, type=path_name, metavar='DIR', help='folder of the built datasets')
  add('--out', required=True, type=path_name, metavar='DIR',
      help='gets results.md, results.json, figures, videos, index.html; the same command goes on')
  add('--dataset', metavar='NAME', help='clips dataset; otherwise the one the memory learned from')
  add('--lrs', metavar='NAME', help="dataset of the protocol lrs; otherwise Audio2Mouth's")
  add('--protocol', nargs='+', action='extend', choices=PROTOCOLS,
      help='neutral_base and cross_emotion by default')
  add('--split', nargs='+', action='extend', choices=('val', 'test', 'test_sentence'),
      help='unseen speakers; unseen sentences; by default test and test_sentence')
  add('--repetitions', type=integer(1), default=5, metavar='N',
      help='of the same clips, each with other references')
  add('--references', type=integer(1), default=5, metavar='N', help='pictures of the speaker')
  add('--clips', type=integer(0), default=0, metavar='N', help='clips of a split; 0 for all')
  add('--cell-clips', type=integer(1), default=8, metavar='N',
      help='clips of each cell of the matrix')
  add('--drawn', type=integer(0), default=32, metavar='N',
      help='clips of a split that are drawn as pictures in every repetition')
  add('--cell-drawn', type=integer(0), default=0, metavar='N',
      help='clips of each cell of the matrix that are; with none its heat maps are of landmarks')
  add('--raw-size', type=integer(0, MOST_RAW), default=0, metavar='PX',
      help='also compare whole pictures of a synthetic world, drawn again at that size')
  add('--raw-clips', type=integer(1), default=4, metavar='N', help='clips of a split for that')
  add('--seed', type=integer(0), default=0)
  add('--no-understanding', action='store_true',
      help='leave out the figures of memory, embeddings and displacements')


def run(args) -> None:
  """Prints the tables and writes the folder."""
  chosen = set(args.protocol or DEFAULT_PROTOCOLS)
  out = Path(args.out)
  if out.exists() and not out.is_dir():
    raise UserError(f'--out {out}: is a file; give a folder')
  for folder in args.system_dir:
    if not Path(folder).is_dir():
      raise UserError(f'{folder}: no such folder; train a system into it by `cemnet train`')
  from cemnet_jax.files import locked
  from cemnet_jax.train import loop, process
  process.keep_compiled_programs()
  loop.check_workdir(out)
  with locked(out):
    _evaluate(args, out, chosen)


def _evaluate(args, out: Path, chosen: set[str]) -> None:
  from cemnet_jax.evaluate.evaluation import Places, default_datasets, evaluate
  from cemnet_jax.evaluate.report import RECORDS, text, write_report
  from cemnet_jax.evaluate.run import Settings
  from cemnet_jax.evaluate.understanding.chapters import understand
  from cemnet_jax.infer.compiled import compile_well
  compile_well()
  systems = [Path(folder) for folder in args.system_dir]
  mead, lrs = default_datasets(systems[0], args.dataset, args.lrs)
  if args.raw_size and chosen == {'lrs'}:
    raise UserError('--raw-size: compares under cross emotion; give another --protocol than lrs')
  protocols = [name for name in PROTOCOLS if name in chosen]
  found = evaluate(
    Places(systems, Path(args.data), mead, lrs),
    Settings(protocols, args.split or ['test', 'test_sentence'], args.repetitions,
             args.references, args.clips, args.cell_clips, args.drawn, args.cell_drawn,
             raw_size=args.raw_size, raw_clips=args.raw_clips, seed=args.seed),
    out / RECORDS, _say)
  title = f'{", ".join(args.system_dir)} on {", ".join(found.identity["datasets"])}'
  print('\n' + text(title, found), flush=True)
  seen = None
  if not args.no_understanding and 'mead' in found.clips:
    seen = understand(found.clips['mead'], systems[0], out, progress=_say)
  write_report(out, title, found, _say, seen)
  _say(f'{out}: results.md, results.json, index.html')


def _say(line: str) -> None:
  print(line, flush=True)
