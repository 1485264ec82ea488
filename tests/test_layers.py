"""Who may import whom: parsed from the sources, lazy imports included."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE = {'crops', 'errors', 'files', 'fingerprints', 'topology'}  # what anyone may use

# Part of cemnet_jax -> the modules of cemnet_jax that it may import; a name stands for all below.
MAY_IMPORT = {
  'errors': set(),
  'topology': set(),
  'files': {'errors'},
  'fingerprints': {'errors'},
  'crops': {'errors'},
  'systems': set(),
  'nets': {'nets'},
  'losses': {'losses'},
  'metrics': {'metrics'},
  'stages': {'stages', 'nets', 'losses', 'train.stage', 'train.state', 'train.optim', 'train.rng'},
  'train': {'train'},
  'data': {'data', 'preprocess.audio', 'preprocess.landmark_flow', 'preprocess.sketch',
           'preprocess.crop',
           'preprocess.alignment', 'preprocess.parallel', 'preprocess.stable_frame'},
  'preprocess': {'preprocess'},
  'evaluate': {'evaluate', 'stages', 'metrics', 'data', 'infer', 'nets', 'systems', 'train.ckpt',
               'train.chain', 'preprocess'},
  'infer': {'infer', 'nets', 'systems', 'stages', 'train.ckpt', 'train.chain', 'train.process',
            'preprocess', 'weights.compact'},
  'weights': {'weights', 'nets', 'train.ckpt', 'train.state'},
}
# Of cemnet_jax, what tfds_builders may import: a dataset is built without the rest.
FOR_BUILDERS = ('preprocess.', 'data.digest', 'data.folders', *BASE)
# The places with flags, paths and prints import anything.
FREE = {'cli', 'commands', 'train_system', '__init__', '__main__'}

# Third-party package -> where it may be imported at all (paths below the root).
ONLY_IN = {
  'orbax': ('cemnet_jax/train/ckpt.py',),
  'grain': ('cemnet_jax/data/',),
  'tensorflow_datasets': ('cemnet_jax/data/', 'cemnet_jax/commands/', 'tfds_builders/'),
  'mediapipe': ('cemnet_jax/preprocess/face.py', 'cemnet_jax/preprocess/synthetic/agreement.py'),
  'torch': ('cemnet_jax/weights/',),
  'librosa': ('cemnet_jax/preprocess/alignment.py',),  # seconds to import: built data only
  'tensorflow': (),
  'clu': ('cemnet_jax/train/', 'cemnet_jax/stages/'),
  'tensorboardX': ('cemnet_jax/train/log.py',),
}
LAZY = {'mediapipe', 'torch', 'librosa', 'tensorboardX'}  # never while a module is imported
WITHOUT_JAX = ('cemnet_jax/data/', 'cemnet_jax/systems.py', 'cemnet_jax/topology.py',
               'cemnet_jax/errors.py', 'cemnet_jax/files.py', 'cemnet_jax/fingerprints.py',
               'cemnet_jax/crops.py')


def sources():
  files = [*ROOT.glob('cemnet_jax/**/*.py'), *ROOT.glob('tfds_builders/**/*.py')]
  return sorted(path.relative_to(ROOT).as_posix() for path in files)


def _names(node) -> list[str]:
  if isinstance(node, ast.Import):
    return [alias.name for alias in node.names]
  if isinstance(node, ast.ImportFrom):
    assert node.level == 0, 'imports are absolute'
    return [f'{node.module}.{alias.name}' for alias in node.names]
  return []


def _walk_eager(node):
  """Nodes that run when the module is imported."""
  for child in ast.iter_child_nodes(node):
    if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
      yield child
      yield from _walk_eager(child)


def imports(path: str) -> tuple[list[str], list[str]]:
  """Dotted names that a file imports anywhere, and those it imports while it is imported."""
  tree = ast.parse((ROOT / path).read_text())
  return ([name for node in ast.walk(tree) for name in _names(node)],
          [name for node in _walk_eager(tree) for name in _names(node)])


def _part(path: str) -> str:
  return path.split('/')[1].removesuffix('.py')


@pytest.mark.parametrize('path', sources())
def test_imports_follow_the_layers(path):
  everywhere, eager = imports(path)
  part = _part(path)
  for name in everywhere:
    top, _, rest = name.partition('.')
    if top == 'cemnet_jax' and path.startswith('tfds_builders/'):
      assert rest.startswith(FOR_BUILDERS), f'{path} imports {name}'
    elif top == 'cemnet_jax' and part not in FREE:
      allowed = MAY_IMPORT[part] | (BASE if MAY_IMPORT[part] else set())
      assert any(rest == a or rest.startswith(a + '.') for a in allowed), f'{path} imports {name}'
    if top in ONLY_IN:
      assert path.startswith(ONLY_IN[top]), f'{path} imports {name}'
    if top in ('jax', 'flax', 'optax'):
      assert not path.startswith(WITHOUT_JAX), f'{path} imports {name}'
    assert top not in ('configs', 'tests') or part == 'train_system', f'{path} imports {name}'
  for name in eager:
    assert name.split('.')[0] not in LAZY, f'{path} imports {name} while it is imported'


def test_every_part_has_its_rule():
  parts = {_part(path) for path in sources() if path.startswith('cemnet_jax/')}
  assert parts <= MAY_IMPORT.keys() | FREE


def test_the_rule_sees_what_it_should(tmp_path, monkeypatch):
  (tmp_path / 'x.py').write_text(
    'import jax.numpy as jnp\nfrom cemnet_jax.nets import ebm\n'
    'def f():\n  import mediapipe\n')
  monkeypatch.setitem(globals(), 'ROOT', tmp_path)
  everywhere, eager = imports('x.py')
  assert everywhere == ['jax.numpy', 'cemnet_jax.nets.ebm', 'mediapipe']
  assert eager == ['jax.numpy', 'cemnet_jax.nets.ebm']


def test_no_file_is_too_long():
  files = [p for folder in ('cemnet_jax', 'tfds_builders', 'configs', 'tests', 'benchmarks')
           for p in ROOT.glob(f'{folder}/**/*.py')]
  long = {p.name: n for p in files if (n := len(p.read_text().splitlines())) > 350}
  assert not long
