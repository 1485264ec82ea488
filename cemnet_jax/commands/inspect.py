"""`cemnet inspect`: what the stages of a system learned from, and whether they belong together."""

from pathlib import Path

from cemnet_jax.errors import UserError

UNRECORDED = 'not recorded'  # of a stage that is older than fingerprints
COLUMNS = ('stage', 'preset', 'steps', 'fingerprint', 'data', 'learned from')


def add_arguments(parser) -> None:
  """Flags of the command."""
  parser.add_argument('--system-dir', metavar='DIR',
                      help='workdir of a trained system, or a folder of `cemnet export`; the one '
                      'that comes with the package by default')


def run(args) -> None:
  """Prints one row for each stage; a chain that does not hold is an error."""
  from cemnet_jax.commands.show import show
  from cemnet_jax.data.card import Table
  from cemnet_jax.train import chain
  from cemnet_jax.weights import embedded
  folder = Path(args.system_dir) if args.system_dir else embedded.folder()
  links = _links(folder)
  rows = [(name, link.preset or '-', str(link.step), link.fingerprint or UNRECORDED,
           _lines(link.datasets()) or UNRECORDED, _learned_from(link, links) or '-')
          for name, link in links.items()]
  show([Table(f'{folder}', COLUMNS, rows)])
  chain.check(links)


def _links(folder):
  from cemnet_jax.train import chain
  from cemnet_jax.train.ckpt import read_json
  from cemnet_jax.weights.compact import CONTENTS
  if not folder.is_dir():
    raise UserError(f'{folder}: no such folder; train a system into it by `cemnet train`')
  exported = read_json(folder / CONTENTS).get('stages')
  links = ({name: chain.Link.of_record(str(folder), record) for name, record in exported.items()}
           if exported else chain.read_all(folder))
  if not links:
    raise UserError(f'{folder}: holds no trained stage; train a system into it by `cemnet train`')
  return links


def _lines(named):
  return '\n'.join(f'{name} {value}' for name, value in named.items())


def _learned_from(link, links):
  others = {name: value for name, value in link.identity.items()
            if not name.startswith('dataset.')}
  lines = []
  for name, value in others.items():
    beside = links.get(name.removeprefix('frozen.'))
    differs = beside and beside.fingerprint and beside.fingerprint != value
    lines.append(f'{name.removeprefix("frozen.")} {value}{" (another is here)" * bool(differs)}')
  return '\n'.join(lines)
