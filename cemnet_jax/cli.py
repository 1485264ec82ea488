"""The `cemnet` command: finds the subcommand's module, parses, runs, says in one line what failed.
"""

import argparse
import difflib
import errno
import importlib
import os
import re
import sys
import tempfile
import traceback

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
# What is true of a command that was stopped in the middle; the others left nothing behind.
INTERRUPTED = {
  'prepare': 'the same command goes on with the files that are left',
  'demo': 'the same command makes all videos anew',
  'import-weights': 'stages that were told are complete, the others are not there',
  'train': 'the same command goes on from the last checkpoint',
  'evaluate': 'the same command goes on with the cases that are left',
  'quickstart': 'the same command goes on from the last checkpoint',
  'benchmark': 'the same command goes on from the last checkpoint',
}
NOTHING_LEFT = 'nothing was written'
# The machine's state, which the user can change; other errors of the system are the program's.
THE_USERS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE,
             errno.ENFILE, errno.ENAMETOOLONG, errno.EFBIG, errno.EIO, errno.ENOENT, errno.ENOTDIR)


class _Parser(argparse.ArgumentParser):
  """Says what is wrong in one line, and names an option that there is not."""

  def error(self, message):
    raise UserError(f'{message}; see {self.prog} --help')

  def parse_known_args(self, args=None, namespace=None):
    if self._subparsers is None:
      for word in args or ():
        if word == '--':
          break
        option = word.split('=')[0]
        if re.match(r'--?[A-Za-z]', option) and option not in self._option_string_actions:
          near = difflib.get_close_matches(option, self._option_string_actions, 1)
          self.error(f'unknown option {option}' + (f', did you mean {near[0]}?' if near else ''))
    return super().parse_known_args(args, namespace)


def main(argv: list[str] | None = None) -> int:
  """Runs `cemnet <argv>` and returns the exit code.

  0; 2 for a user's error and 1 for the program's own, each told in one line; 130 for Ctrl-C.
  """
  argv = sys.argv[1:] if argv is None else argv
  say_any_name()
  try:
    return _run(argv)
  except KeyboardInterrupt:
    return interrupted(argv[0])
  except BrokenPipeError:  # whoever read our output wants no more: `cemnet data inspect | head`
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
  except Exception as error:
    return fail(error)


def _run(argv) -> int:
  if not argv or argv[0] in ('-h', '--help'):
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {text}' for name, text in COMMANDS.items()]
    print('usage: cemnet COMMAND ...\n\ncommands (cemnet COMMAND --help says more):')
    print('\n'.join(lines))
    return 0
  if argv[0] == '--version':
    import cemnet_jax
    print(f'cemnet_jax {cemnet_jax.__version__}')
    return 0
  if argv[0] not in COMMANDS:
    near = difflib.get_close_matches(argv[0], COMMANDS, 1)
    raise UserError(f'unknown command {argv[0]!r}, ' + (
      f'did you mean {near[0]}?' if near else f'use one of {", ".join(COMMANDS)}'))
  command = importlib.import_module(f'cemnet_jax.commands.{argv[0].replace("-", "_")}')
  parser = _Parser(prog=f'cemnet {argv[0]}', description=COMMANDS[argv[0]], allow_abbrev=False)
  command.add_arguments(parser)
  command.run(parser.parse_args(argv[1:]))
  sys.stdout.flush()
  return 0


def interrupted(command: str) -> int:
  """Tells what is true of a command that was stopped by Ctrl-C."""
  return _end(130, f'interrupted; {INTERRUPTED.get(command, NOTHING_LEFT)}')


def fail(error: Exception) -> int:
  """Tells in one line what failed; of what nobody foresaw, in which file the traceback is."""
  if isinstance(error, UserError):
    return _end(2, f'error: {error}')
  if isinstance(error, MemoryError):
    return _end(2, 'error: the memory of this machine is not enough; give smaller pictures or '
                   'fewer --processes')
  users = isinstance(error, OSError) and error.errno in THE_USERS
  text = f'{type(error).__name__}: {error}' if not users else str(error)
  code = 2 if users else 1
  return _end(code, f'error: {text[:300]}{_kept_traceback(error, report=not users)}')


def _kept_traceback(error, report: bool) -> str:
  try:
    with tempfile.NamedTemporaryFile('w', prefix='cemnet-error-', suffix='.txt', delete=False,
                                     encoding='utf-8', errors='backslashreplace') as file:
      traceback.print_exception(error, file=file)
  except OSError:
    return ''
  return f'; {"a fault of the program, report it with" if report else "details are in"} {file.name}'


def _end(code: int, text: str) -> int:
  print('cemnet: ' + ' '.join(text.split()), file=sys.stderr)
  return code


def say_any_name() -> None:
  """Lets file names be printed that are no text in this terminal's encoding."""
  for stream in (sys.stdout, sys.stderr):
    if hasattr(stream, 'reconfigure'):
      stream.reconfigure(errors='backslashreplace')


if __name__ == '__main__':
  sys.exit(main())
