"""`cemnet export`: a system as files for PyTorch or as programs, whole or not at all."""

import hashlib
import importlib.util
import json

import jax
import numpy as np
import pytest

from cemnet_jax import cli
from cemnet_jax.commands import export, import_weights
from cemnet_jax.errors import UserError
from cemnet_jax.infer import functions, loading, stablehlo
from cemnet_jax.train import chain
from cemnet_jax.weights import export as weight_files
from cemnet_jax.weights.iplap import load_landmarks, load_renderer
from tests.infer.tiny_system import save_system

NETS = {'audio2mouth': 'audio2mouth', 'renderer': 'renderer', 'memory': 'ebm',
        'audio_emotion': 'aee', 'image_emotion': 'image_emotion', 'identity': 'identity'}
# Sizes of the preset `debug`.
A2M = dict(width=0.125, dim=32, heads=4, layers=1, ffn=64)
RENDER = dict(width=8, wide=16, hidden=16, kernel=7, audio_dim=16, audio_width=0.125)


@pytest.fixture(scope='module')
def system_dir(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('system'))


def run(system_dir, name, out, system='cemnet'):
  return cli.main(['export', '--system-dir', str(system_dir), '--system', system,
                   '--format', name, '--out', str(out)])


def test_a_compact_system_stands_for_the_workdir(system_dir, tmp_path, capsys):
  """Every weight is the trained one in half precision, the rest is the same."""
  out = tmp_path / 'out'
  assert run(system_dir, 'compact', out) == 0
  assert 'weights.safetensors: ' in capsys.readouterr().out
  said = contents(out)
  assert said['stages']['ebm'] == chain.read(system_dir / 'ebm').recorded()
  trained, read = loading.load(system_dir), loading.load(out)
  halved = 0
  for (path, a), (_, b) in zip(*map(jax.tree_util.tree_leaves_with_path, (trained, read)),
                               strict=True):
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim > 1 and 'variables' in str(path) and 'params' in str(path):
      halved += 1
      assert b.dtype == np.float32
      a = a.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(a, b)
  assert halved > 50
  assert (out / 'weights.safetensors').stat().st_size < 0.7 * sum(
    x.nbytes for x in jax.tree.leaves(trained) if hasattr(x, 'nbytes'))


def test_a_compact_system_that_cannot_be_used(system_dir, tmp_path):
  out = tmp_path / 'out'
  assert run(system_dir, 'compact', out, 'a2m_renderer') == 0
  with pytest.raises(UserError, match='holds no stage'):
    loading.load(out)
  assert loading.load(out, 'a2m_renderer').bridge is None
  weights = out / 'weights.safetensors'
  weights.write_bytes(weights.read_bytes()[:1000])
  with pytest.raises(UserError, match='export it again'):
    loading.load(out, 'a2m_renderer')


def contents(out):
  """What export.json says; it names every file beside it, with its sha256."""
  said = json.loads((out / 'export.json').read_text())
  parts = [*said.get('nets', {}).values(), *said.get('functions', {}).values()]
  parts += [said[name] for name in ('statistics', 'weights') if name in said]
  assert {p.name for p in out.iterdir()} == {part['file'] for part in parts} | {'export.json'}
  for part in parts:
    assert hashlib.sha256((out / part['file']).read_bytes()).hexdigest() == part['sha256']
  return said


@pytest.mark.parametrize('name', weight_files.SUFFIXES)
def test_importers_read_what_is_written(system_dir, tmp_path, name, capsys):
  if name == 'torch':
    pytest.importorskip('torch')
  out = tmp_path / 'out'
  assert run(system_dir, name, out) == 0
  assert capsys.readouterr().out.count('largest difference 0\n') == len(NETS) + 1
  said = contents(out)
  assert {net: part['stage'] for net, part in said['nets'].items()} == NETS
  assert said['stages']['ebm'] == chain.read(system_dir / 'ebm').recorded()
  assert said['settings'].items() >= {'image_size': 32, 'window': 5, 'crop': 'stable'}.items()
  assert said['nets']['renderer']['differs'].keys() >= {'quirk', 'skip', 'width'}
  nets = loading.load(system_dir)
  for (module, variables), part, load in (
      (nets.mouth, said['nets']['audio2mouth'], load_landmarks),
      (nets.renderer, said['nets']['renderer'], load_renderer)):
    read = load(out / part['file'], module)
    for kind, tree in variables.items():
      assert_same(read[kind], tree)
  read = weight_files.read_tensors(out / said['statistics']['file'])
  np.testing.assert_array_equal(read['landmarks.std'], nets.statistics['std'])
  np.testing.assert_array_equal(read['prototypes.count'], [4, 4, 4, 4, 4, 4, 4, 0])


def assert_same(read, tree):
  assert read.keys() == tree.keys()
  for key, value in tree.items():
    if isinstance(value, dict):
      assert_same(read[key], value)
    else:
      np.testing.assert_array_equal(read[key], value)


def test_what_was_imported_goes_back_to_its_network(tmp_path, monkeypatch):
  torch = pytest.importorskip('torch')
  public_files = pytest.importorskip('tests.commands.public_files')
  monkeypatch.setattr(import_weights, 'PRESET', 'debug')
  given = public_files.iplap_nets(A2M, RENDER)
  files = public_files.save_iplap(tmp_path, *given)
  assert cli.main(['import-weights', 'iplap', '--landmarks', str(files[0]), '--renderer',
                   str(files[1]), '--out', str(tmp_path / 'work')]) == 0
  assert run(tmp_path / 'work', 'torch', tmp_path / 'out', 'a2m_renderer') == 0
  said = contents(tmp_path / 'out')
  assert said['stages']['renderer']['imported']['file'] == files[1].name
  assert 'statistics' not in said and not said['nets']['renderer']['differs'].keys() & {'quirk'}
  inputs = {'audio2mouth': [(1, 5, 80, 16), (1, 5, 2, 74), (1, 4, 2, 131)],
            'renderer': [(1, 3, 16, 16), (1, 5, 3, 16, 16), (1, 2, 3, 16, 16), (1, 2, 3, 16, 16),
                         (1, 80, 16)]}
  for (name, shapes), net, size in zip(inputs.items(), given, (A2M, RENDER), strict=True):
    fresh = type(net)(**size).eval()
    fresh.load_state_dict(torch.load(tmp_path / 'out' / f'{name}.pth', weights_only=True),
                          strict=True)
    arrays = [torch.rand(shape) for shape in shapes]
    with torch.no_grad():
      for ours, theirs in zip(fresh(*arrays), net(*arrays), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_wav2lip_goes_back_to_its_network(tmp_path, monkeypatch):
  torch = pytest.importorskip('torch')
  public_files = pytest.importorskip('tests.commands.public_files')
  monkeypatch.setattr(import_weights, 'PRESET', 'debug')
  generator, expert = public_files.wav2lip_nets(0.0625, 16)
  files = [str(public_files.save_as_trained(net, tmp_path / name)) for net, name in (
    (generator, 'wav2lip.pth'), (expert, 'lipsync_expert.pth'))]
  assert cli.main(['import-weights', 'wav2lip', '--generator', files[0], '--expert', files[1],
                   '--out', str(tmp_path / 'work')]) == 0
  assert run(tmp_path / 'work', 'torch', tmp_path / 'out', 'wav2lip') == 0
  assert contents(tmp_path / 'out')['nets'].keys() == {'wav2lip'}
  read = torch.load(tmp_path / 'out' / 'wav2lip.pth', weights_only=True)
  wanted = generator.state_dict()
  assert read.keys() == wanted.keys()
  assert all(torch.equal(read[key], x) for key, x in wanted.items())


@pytest.mark.slow
def test_programs_of_a_whole_system(system_dir, tmp_path, capsys):
  assert run(system_dir, 'stablehlo', tmp_path / 'out') == 0
  said = contents(tmp_path / 'out')
  assert said['functions'].keys() == functions.of_talker(loading.load(system_dir)).keys()
  assert said['functions']['render']['inputs']['crops'] == ['uint8', ['B', 32, 32, 3]]
  assert said['functions']['reference_cues']['outputs'] == ['image_emotion', 'identity']
  assert all(part['difference'] < 1e-5 for part in said['functions'].values())
  assert capsys.readouterr().out.count('largest difference') == len(said['functions'])


def occupied(tmp_path, monkeypatch):
  (tmp_path / 'out').mkdir()
  return {}


def without_torch(tmp_path, monkeypatch):
  monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
  return {'name': 'torch'}


def damaged_files(tmp_path, monkeypatch):
  write = weight_files.write_tensors
  monkeypatch.setattr(weight_files, 'write_tensors', lambda path, tensors: write(
    path, {name: x + 1 for name, x in tensors.items()}))
  return {}


def damaged_programs(tmp_path, monkeypatch):
  write = stablehlo.write
  one = functions.Function(lambda x: (x,), {'x': functions.Input('float32', (2,))}, ('y',))
  monkeypatch.setattr(functions, 'of_talker', lambda nets: {'one': one})
  monkeypatch.setattr(stablehlo, 'write', lambda path, function: write(
    path, function._replace(call=lambda x: (2 * x,))))
  return {'name': 'stablehlo'}


@pytest.mark.parametrize(('prepare', 'line'), [
  (occupied, 'out: is there already'),
  (without_torch, '--format torch needs the package torch: install it, or use --format safet'),
  (damaged_files, 'audio2mouth.safetensors: what was read back differs from the network by 1'),
  (damaged_programs, 'one.stablehlo: what was read back differs from the network by 1'),
  (lambda *_: {'name': 'onnx'}, '--format onnx: jax2onnx does not'),
  (lambda *_: {'name': 'tar'}, "invalid choice: 'tar'"),
  (lambda tmp_path, _: {'system_dir': tmp_path / 'none'}, 'none: no such folder'),
  (lambda *_: {'system': 'cemnet_no_ebm'}, 'ebm_direct: no'),
  (lambda *_: {'system': 'wav2lip'}, 'wav2lip: no'),
  (lambda tmp_path, _: {'out': file(tmp_path) / 'out'}, 'cannot be written')])
def test_bad_input_is_one_line_and_leaves_nothing(
    system_dir, tmp_path, monkeypatch, capsys, prepare, line):
  given = {'system_dir': system_dir, 'name': 'safetensors', 'out': tmp_path / 'out'}
  given |= prepare(tmp_path, monkeypatch)
  before = sorted(tmp_path.rglob('*'))
  assert run(**given) == 2
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 1 and line in lines[0], lines
  assert sorted(tmp_path.rglob('*')) == before


def file(folder):
  (folder / 'file').touch()
  return folder / 'file'


def test_every_format_is_offered_or_refused():
  assert set(export.FORMATS) == {*weight_files.SUFFIXES, export.STABLEHLO, export.COMPACT,
                                 export.ONNX}
