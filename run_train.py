"""Trains one stage: flags in, `cemnet_jax.train_system.train_stage` called; nothing else.

python run_train.py --config=configs/aee.py:quickstart --workdir=WORK/aee --data=DATA
"""

import sys

from absl import app, flags, logging
from ml_collections import config_flags

from cemnet_jax.cli import fail, interrupted, say_any_name
from cemnet_jax.errors import UserError

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'configs/<stage>.py[:preset]; --config.key=value changes a field',
  lock_config=True)
_WORKDIR = flags.DEFINE_string('workdir', None, "the stage's folder; a run in it is resumed")
_DATA = flags.DEFINE_string('data', None, 'folder of the built datasets')
_FROZEN = flags.DEFINE_multi_string(
  'frozen', [], 'STAGE=DIR of a frozen stage that is not beside the workdir')
_TENSORBOARD = flags.DEFINE_bool(
  'tensorboard', False, 'writes event files for TensorBoard into the workdir, too')
_DISTRIBUTED = flags.DEFINE_bool('distributed', False, 'one of several processes of a run')
_COORDINATOR = flags.DEFINE_string('coordinator', None, 'host:port of the first process')
_NUM_PROCESSES = flags.DEFINE_integer('num_processes', None, 'how many processes there are')
_PROCESS_ID = flags.DEFINE_integer('process_id', None, 'which one this is, from 0')


def _fail(message: str):
  sys.exit(fail(UserError(message)))


def _frozen() -> dict[str, str]:
  """{stage: folder} of the flags --frozen."""
  for pair in _FROZEN.value:
    if not all(pair.partition('=')):
      raise UserError(f'--frozen {pair}: write STAGE=DIR, say --frozen=aee=WORK/aee')
  return dict(pair.split('=', 1) for pair in _FROZEN.value)


def _parse(argv):
  try:
    rest = flags.FLAGS(argv)
    for flag in ('config', 'workdir', 'data'):
      if flags.FLAGS[flag].value is None:
        raise UserError(f'--{flag} is missing; see run_train.py --help')
    _ = _CONFIG.value.stage  # a config that failed to load says so when it is read
    return rest
  except (flags.Error, UserError, AttributeError, KeyError, TypeError) as error:
    _fail(str(error.args[0] if error.args else error))
  except OSError as error:
    _fail(f'--config: {str(error).splitlines()[-1]}')


def main(argv):
  """Called by absl once the flags are parsed."""
  del argv
  say_any_name()
  logging.set_verbosity(logging.WARNING)  # Orbax reports every file at INFO
  try:
    frozen = _frozen()
    from cemnet_jax.train import process
    from cemnet_jax.train_system import train_stage
    process.keep_compiled_programs()
    if _DISTRIBUTED.value:
      process.join_cluster(_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)
    train_stage(_CONFIG.value, _DATA.value, _WORKDIR.value, frozen_dirs=frozen,
                tensorboard=_TENSORBOARD.value)
  except KeyboardInterrupt:
    sys.exit(interrupted('train'))
  except Exception as error:
    sys.exit(fail(error))


if __name__ == '__main__':
  app.run(main, flags_parser=_parse)
