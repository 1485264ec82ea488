"""The `cemnet` command: finds the subcommand's module, parses, runs, prints a user's error."""

import argparse
import importlib
import sys

from cemnet_jax.errors import UserError

# Subcommand -> what it does; each is a module of cemnet_jax.commands, imported when chosen.
COMMANDS = {
  'prepare': 'build a dataset',
  'data': 'show what a built dataset holds, or check every record of it',
  'train': 'train all stages of a system in order',
  'generate': 'make a talking video from pictures and speech',
  'inspect': 'what the stages of a trained system were made of, and whether they belong together',
  'evaluate': "the paper's tables for trained systems, as a folder of results",
  'demo': 'three talking videos of drawn speakers, from nothing',
  'quickstart': 'build, train, evaluate and show everything on the synthetic world',
  'import-weights': 'make stages from public PyTorch checkpoints',
  'export': 'write the nets of a trained system for PyTorch or as StableHLO programs',
  'benchmark': 'all systems over several seeds, and the tables of them all: hours',
}


class _Parser(argparse.ArgumentParser):
  """Says what is wrong in one line."""

  def error(self, message):
    raise UserError(f'{message}; see {self.prog} --help')


def main(argv: list[str] | None = None) -> int:
  """Runs `cemnet <argv>` and returns the exit code: 0, 2 for a user's error, 130 for Ctrl-C."""
  argv = sys.argv[1:] if argv is None else argv
  try:
    if not argv or argv[0] in ('-h', '--help'):
      width = max(map(len, COMMANDS))
      lines = [f'  {name:<{width}}  {text}' for name, text in COMMANDS.items()]
      print('usage: cemnet COMMAND ...\n\ncommands (cemnet COMMAND --help says more):')
      print('\n'.join(lines))
      return 0
    if argv[0] not in COMMANDS:
      raise UserError(f'unknown command {argv[0]!r}, use one of {", ".join(COMMANDS)}')
    command = importlib.import_module(f'cemnet_jax.commands.{argv[0].replace("-", "_")}')
    parser = _Parser(prog=f'cemnet {argv[0]}', description=COMMANDS[argv[0]],
                     allow_abbrev=False)
    command.add_arguments(parser)
    command.run(parser.parse_args(argv[1:]))
  except UserError as error:
    print('cemnet: error: ' + ' '.join(str(error).split()), file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    print('cemnet: interrupted; the same command goes on from the last checkpoint',
          file=sys.stderr)
    return 130
  return 0


if __name__ == '__main__':
  sys.exit(main())
