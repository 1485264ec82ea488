"""Every command says in one line what is wrong, quickly, with the exit code that says whose fault.
"""

import errno
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from cemnet_jax import cli
from cemnet_jax.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def command(monkeypatch):
  """Replaces `cemnet data` by a command that does what a test wants."""
  def doing(work, name='data'):
    fake = types.SimpleNamespace(add_arguments=lambda parser: None, run=lambda args: work())
    monkeypatch.setitem(sys.modules, f'cemnet_jax.commands.{name}', fake)
    monkeypatch.setattr(f'cemnet_jax.commands.{name}', fake, raising=False)
  return doing


def _raising(error):
  def work():
    raise error
  return work


def _line(capsys):
  err = capsys.readouterr().err
  assert err.count('\n') == 1 and err.startswith('cemnet: '), err
  return err


def test_a_fault_of_the_program_is_one_line_with_its_traceback_in_a_file(command, capsys, tmp_path,
                                                                         monkeypatch):
  monkeypatch.setattr(cli.tempfile, 'tempdir', str(tmp_path))
  command(_raising(ZeroDivisionError('in the\nmiddle')))
  assert cli.main(['data']) == 1
  line = _line(capsys)
  assert 'ZeroDivisionError: in the middle; a fault of the program' in line
  kept = Path(re.search(r'\S+\.txt', line)[0])
  assert kept.parent == tmp_path
  assert 'Traceback' in kept.read_text() and 'in work' in kept.read_text()


@pytest.mark.parametrize('error,code,said', [
  (UserError('a.png: no\nsuch file'), 2, 'error: a.png: no such file'),
  (OSError(errno.ENOSPC, 'No space left on device', 'x.mp4'), 2, 'No space left on device'),
  (PermissionError(errno.EACCES, 'Permission denied', 'x.mp4'), 2, "denied: 'x.mp4'"),
  (MemoryError(), 2, 'memory of this machine is not enough'),
  (UnicodeEncodeError('utf-8', 'caf\udce9', 3, 4, 'surrogates not allowed'), 1, 'UnicodeEncode')])
def test_whose_fault_it_is(command, capsys, tmp_path, monkeypatch, error, code, said):
  monkeypatch.setattr(cli.tempfile, 'tempdir', str(tmp_path))
  command(_raising(error))
  assert cli.main(['data']) == code
  assert said in _line(capsys)


@pytest.mark.parametrize('name,said', [
  ('generate', 'nothing was written'), ('data', 'nothing was written'),
  ('train', 'goes on from the last checkpoint'), ('prepare', 'goes on with the files')])
def test_ctrl_c_says_what_is_true(command, capsys, name, said):
  command(_raising(KeyboardInterrupt()), name)
  assert cli.main([name]) == 130
  assert said in _line(capsys)


def test_a_name_that_is_no_text_can_be_told():
  script = ('import sys; from cemnet_jax import cli; '
            'sys.exit(cli.main(["generate", "--reference", "caf\\udce9.png", "--audio", "x", '
            '"--out", "caf\\udce9.mp4"]))')
  done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True,
                        env={'PYTHONIOENCODING': 'utf-8:strict', 'PATH': '/usr/bin:/bin'})
  assert done.returncode == 2 and r'caf\udce9.png: no such file' in done.stderr, done.stderr


def test_output_that_nobody_reads_is_no_error(tmp_path):
  script = ('import sys; from cemnet_jax import cli; cli.COMMANDS = {str(i): "x" * 99 for i in '
            'range(9999)}; sys.exit(cli.main([]))')
  done = subprocess.run(f'{sys.executable} -c \'{script}\' | head -1', shell=True, cwd=ROOT,
                        capture_output=True, text=True)
  assert done.stderr == '' and 'usage' in done.stdout


@pytest.mark.parametrize('flags,line', [
  (['generate', '--refrence', 'x'], 'unknown option --refrence, did you mean --reference?'),
  (['generate', '--zzz=1'], 'unknown option --zzz'),
  (['generate', '--seed', '-1'], 'argument --seed: -1: at least 0 is needed'),
  (['generate', '--seed', '1.5'], "argument --seed: '1.5' is no whole number"),
  (['generate', '--seed', str(2**40)], 'at most 4294967295 is possible'),
  *[(['generate', '--smooth', x], f'--smooth: {x}: at m') for x in ('inf', '251', '1e9')],
  (['generate', '--smooth', '-1'], 'at least 0 is needed'),
  (['generate', '--smooth', 'nan'], "'nan' is no number"),
  (['generate', '--reference', ''], 'argument --reference: is empty; give a name'),
  (['prepare', 'folder', '--procesess', '3'], 'unknown option --procesess, did you mean --process'),
  (['prepare', 'folder', '--max-bad', 'nan'], "'nan' is no number"),
  (['prepare', 'folder', '--max-bad', '2'], 'at most 1 is possible'),
  (['prepare', 'folder', '--size', '100000'], 'at most 1024 is possible'),
  (['prepare', 'synth', '--processes', '0'], 'at least 1 is needed'),
  (['data', 'verify', '--processes', '-3'], 'at least 1 is needed'),
  (['train', '--num_processes', '0'], 'at least 1 is needed'),
  (['train', '--workdir', ''], 'is empty; give a name'),
  (['evaluate', '--seed', '-1'], 'at least 0 is needed'),
  (['evaluate', '--raw-size', '99999'], 'at most 4096 is possible'),
  (['evaluate', '--out', ''], 'is empty; give a name'),
  (['benchmark', '--seeds', '0'], 'at least 1 is needed'),
  (['demo', '--out', ''], 'is empty; give a name'),
  (['quickstart', '--out', ''], 'is empty; give a name'),
  (['export', '--out', ''], 'is empty; give a name'),
  (['generte'], "unknown command 'generte', did you mean generate?")])
def test_arguments_that_make_no_sense_are_named(capsys, flags, line):
  assert cli.main(flags) == 2
  assert line in _line(capsys)


def test_a_repeated_option_adds():
  import argparse

  from cemnet_jax.commands import evaluate, generate
  parser = argparse.ArgumentParser()
  generate.add_arguments(parser)
  args = parser.parse_args('--reference a b --reference c --audio x --out y'.split())
  assert args.reference == ['a', 'b', 'c']
  parser = argparse.ArgumentParser()
  evaluate.add_arguments(parser)
  args = parser.parse_args(
    '--system-dir a --system-dir b --data d --out o --protocol lrs --protocol matrix'.split())
  assert args.system_dir == ['a', 'b'] and args.protocol == ['lrs', 'matrix']


def test_the_version_is_told(capsys):
  import cemnet_jax
  assert cli.main(['--version']) == 0
  assert capsys.readouterr().out == f'cemnet_jax {cemnet_jax.__version__}\n'


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_help_imports_nothing_slow(name):
  script = ('import sys; from cemnet_jax import cli\n'
            f'try: cli.main([{name!r}, "--help"])\n'
            'except SystemExit: pass\n'
            'print("slow:", {"jax", "av", "cv2", "mediapipe", "tensorflow_datasets", "scipy", '
            '"matplotlib"} & set(sys.modules))')
  done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)
  assert 'usage' in done.stdout and 'slow: set()' in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize('flag', ['aee', 'aee=', '=DIR'])
def test_a_frozen_stage_without_its_folder_is_one_line(flag, tmp_path):
  done = subprocess.run(
    [sys.executable, 'run_train.py', '--config=configs/ebm.py:debug', f'--workdir={tmp_path}/ebm',
     f'--data={tmp_path}', '--frozen', flag], cwd=ROOT, capture_output=True, text=True)
  assert done.returncode == 2 and done.stderr.count('\n') == 1
  assert f'--frozen {flag}: write STAGE=DIR' in done.stderr


def test_an_account_without_a_home_can_train(tmp_path):
  script = ('import pwd, sys\n'
            'def unknown(user): raise KeyError(user)\n'
            'pwd.getpwuid = unknown\n'
            'from cemnet_jax import cli, files\n'
            f'code = cli.main(["train", "--preset", "debug", "--data", {str(tmp_path)!r}, '
            f'"--workdir", {str(tmp_path / "w")!r}])\n'
            'print(files.cache_dir())\n'
            'sys.exit(code)')
  done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True,
                        env={'TMPDIR': str(tmp_path), 'PATH': '/usr/bin:/bin'})
  assert done.returncode == 2, done.stderr
  assert done.stderr.splitlines()[-1].startswith('cemnet: error: no complete dataset'), done.stderr
  assert done.stdout.splitlines()[-1].startswith(f'{tmp_path}/cemnet_jax-')
