"""`cemnet data`: what a built dataset holds, and whether every record of it is sound."""

import os
import re
from pathlib import Path

from cemnet_jax.commands.arguments import MOST_PROCESSES, integer, path_name
from cemnet_jax.errors import UserError
from cemnet_jax.fingerprints import DIGITS

MAX_LINES = 20  # problems printed; the rest is counted


def add_arguments(parser) -> None:
  """Flags of the command: one sub-command per job."""
  jobs = parser.add_subparsers(dest='job', required=True, metavar='JOB')
  inspect = jobs.add_parser('inspect', help='tables of what a dataset holds')
  _common(inspect)
  inspect.add_argument('--out', type=path_name, metavar='DIR',
                       help='also write card.md and contact_sheet.png into this folder')
  verify = jobs.add_parser('verify', help='re-read and check every record')
  _common(verify)
  verify.add_argument('--processes', type=integer(1, MOST_PROCESSES), default=os.cpu_count() or 1)
  verify.add_argument('--digest', metavar='HEX',
                      help='sha256 of all records that another build printed, to compare')


def _common(parser) -> None:
  parser.add_argument('--data', type=path_name, required=True, metavar='DIR',
                      help='folder of the built datasets')
  parser.add_argument('--dataset', required=True, metavar='NAME',
                      help='say synth_mead/mead_quickstart')


def run(args) -> None:
  """Shows or checks one dataset."""
  _JOBS[args.job](args)


def _inspect(args) -> None:
  if args.dataset.startswith('pairs/') or '+' in args.dataset:
    raise UserError(f'--dataset {args.dataset}: give one clips dataset, say synth_mead/mead_debug; '
                    'pairs can only be verified')
  from cemnet_jax.commands.show import show
  from cemnet_jax.data.card import dataset_card, to_markdown
  from cemnet_jax.data.source import Clips
  from cemnet_jax.files import check_writable
  card = args.out and check_writable(Path(args.out) / 'card.md')
  clips = Clips(args.data, args.dataset)
  tables = dataset_card(clips)
  show(tables)
  if card:
    from cemnet_jax.files import write_text
    write_text(card, to_markdown(args.dataset, tables))
    _write_sheet(card.with_name('contact_sheet.png'), clips)
    print(f'{card.parent}: written')


def _write_sheet(path, clips) -> None:
  from cemnet_jax.evaluate.clip_sheet import clip_sheet
  from cemnet_jax.evaluate.figures import write_png
  if not clips.table['num_frames'].any():  # the dataset holds sound alone
    return
  try:
    sheet = clip_sheet(clips)
  except ValueError as error:
    raise UserError(f'{clips.name}: {error}; `cemnet data verify` names all that is damaged; '
                    'build it again') from error
  write_png(path, sheet)


def _verify(args) -> None:
  from cemnet_jax.data.verify import verify_clips
  from cemnet_jax.data.verify_pairs import verify_pairs
  if args.digest and not re.fullmatch('[0-9a-f]{64}', args.digest):
    raise UserError(f'--digest {args.digest}: give the 64 hexadecimal digits that '
                    '`cemnet data verify` printed')
  from cemnet_jax.commands.show import show
  verify = verify_pairs if args.dataset.startswith('pairs/') else verify_clips
  report = verify(args.data, args.dataset, args.processes)
  problems = list(report.problems)
  if args.digest and report.digest != args.digest:
    problems.append(f'the records differ from the other build: digest {report.digest}')
  for line in problems[:MAX_LINES]:
    print(line)
  if len(problems) > MAX_LINES:
    print(f'... and {len(problems) - MAX_LINES} more')
  if problems:
    raise UserError(f'{args.dataset}: {report.size}: problems: {len(problems)}, listed above; '
                    'mend what it was made of and build it again')
  print(f'{report.size}: all good, digest {report.digest}')
  show([_chain(args.data, args.dataset)])


def _chain(data, name):
  """A dataset and, for pairs, the clips that they were made for."""
  from cemnet_jax.data.card import Table
  from cemnet_jax.data.digest import dataset_digest
  from cemnet_jax.data.folders import dataset_path, load_records
  names, rows = [name], []
  for each in names:
    path = dataset_path(data, each)
    over = (load_records(path).info.metadata or {}).get('clips', '')
    names += [over] if over else []
    rows.append((each, path.name, dataset_digest(path)[:DIGITS], over))
  return Table('Made of', ('dataset', 'version', 'fingerprint', 'over'), rows)


_JOBS = {'inspect': _inspect, 'verify': _verify}
