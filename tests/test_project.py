"""What the repository says about itself is true: versions, commands, links, sizes of files."""

import argparse
import ast
import importlib
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ('cemnet_jax', 'configs', 'tfds_builders')
MAX_LINES = 350
PYPROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())
DOCUMENTS = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]

MODULE_OF = {'opencv-contrib-python': 'cv2', 'orbax-checkpoint': 'orbax', 'absl-py': 'absl',
             'protobuf': 'google', 'scikit-image': 'skimage', 'scikit-learn': 'sklearn',
             'pillow': 'PIL', 'tensorboardx': 'tensorboardX'}
# Imported by no file of ours: the backend of jax, and what tfds reads records and files with.
INDIRECT = {'jaxlib', 'importlib_resources', 'etils'}
# weights/ reads such files, and tfds_builders/ builds through Beam, where these are installed
OPTIONAL = {'torch', 'h5py', 'apache_beam'}


def ours(suffix='.py', folders=(*PACKAGES, 'tests', 'benchmarks', 'docs', '.ci')):
  files = [p for folder in folders for p in (ROOT / folder).rglob(f'*{suffix}')]
  return sorted(files + list(ROOT.glob(f'*{suffix}')))


def pins():
  lines = (ROOT / 'requirements.txt').read_text().splitlines()
  return [Requirement(line) for line in lines if line and not line.startswith('#')]


def normal(name):
  return name.lower().replace('_', '-')


@pytest.mark.parametrize('path', ours(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_long_or_names_a_machine(path):
  lines = path.read_text().splitlines()
  assert len(lines) <= MAX_LINES
  if path != Path(__file__):
    foreign = [line for line in lines if re.search(r'/(root|home|work|Users)/', line)]
    assert not foreign


def test_every_requirement_is_pinned_and_fits_pyproject():
  pinned = {}
  for requirement in pins():
    (specifier,) = requirement.specifier
    assert specifier.operator == '==', requirement
    pinned[normal(requirement.name)] = specifier.version
  for line in PYPROJECT['project']['dependencies']:
    requirement = Requirement(line)
    assert requirement.specifier.contains(pinned[normal(requirement.name)]), line
  assert 'opencv-python-headless' not in pinned, 'it overwrites the files of opencv-contrib-python'
  for extra in ('cuda', 'tpu', 'dev', 'torch'):
    for line in PYPROJECT['project']['optional-dependencies'][extra]:
      assert '==' in line


def test_dependencies_are_what_is_imported():
  names = [normal(Requirement(line).name) for line in PYPROJECT['project']['dependencies']]
  declared = {MODULE_OF.get(name, name.replace('-', '_')) for name in names}
  imported = set()
  for path in ours(folders=PACKAGES):
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.Import):
        imported |= {alias.name.split('.')[0] for alias in node.names}
      elif isinstance(node, ast.ImportFrom) and not node.level:
        imported.add(node.module.split('.')[0])
  imported -= {*sys.stdlib_module_names, *PACKAGES, *OPTIONAL}
  assert imported == declared - INDIRECT


def test_console_script_and_licence():
  module, name = PYPROJECT['project']['scripts']['cemnet'].split(':')
  assert callable(getattr(importlib.import_module(module), name))
  licence = (ROOT / 'LICENSE').read_text()
  assert 'Apache License' in licence and 'Version 2.0, January 2004' in licence
  assert (ROOT / '.ci' / 'run').stat().st_mode & 0o111


def commands(document):
  """Command lines in the shell blocks of a document; a backslash joins lines."""
  for block in re.findall(r'```(?:sh|bash)\n(.*?)```', document.read_text(), re.S):
    for line in block.replace('\\\n', ' ').splitlines():
      words = shlex.split(line, comments=True)
      if words:
        yield words


def parser_of(command):
  parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
  module = importlib.import_module(f'cemnet_jax.commands.{command.replace("-", "_")}')
  module.add_arguments(parser)
  return parser


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda p: p.name)
def test_documented_commands_exist(document):
  from cemnet_jax.cli import COMMANDS
  makefile = (ROOT / 'Makefile').read_text()
  for words in commands(document):
    while '=' in words[0]:  # variables set for one command
      words = words[1:]
    program, arguments = Path(words[0]).name, words[1:]
    if program == 'cemnet':
      assert arguments[0] in COMMANDS, words
      parser_of(arguments[0]).parse_args(arguments[1:])
    elif program == 'make':
      for target in (a for a in arguments if '=' not in a):
        assert re.search(rf'^{target}:', makefile, re.M), words
    elif program == 'python' and arguments[0] != '-m':
      assert (ROOT / arguments[0]).is_file(), words
      configs = [a for a in arguments if a.startswith('--config=')]
      for config in configs:
        assert (ROOT / config.removeprefix('--config=').split(':')[0]).is_file(), words


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(document):
  for target in re.findall(r'\]\(([^)#]+)', document.read_text()):
    if '://' not in target:
      assert (document.parent / target).exists(), target


def test_makefile_recipes_start_with_tabs():
  targets = re.findall(r'^([\w$()]+):.*\n(.)', (ROOT / 'Makefile').read_text(), re.M)
  assert {'quickstart', 'test', 'lint', 'clean'} <= {t for t, _ in targets}
  assert all(first == '\t' for _, first in targets)
