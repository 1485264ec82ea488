"""`cemnet inspect`: the chain in a table, and a chain that does not hold."""

import pytest

from cemnet_jax import cli
from cemnet_jax.train import chain
from tests.infer.tiny_system import save_system


@pytest.fixture
def system(tmp_path):
  folder = save_system(tmp_path / 'system')
  chain.begin(folder / 'aee', {'dataset.mead/front': '1.0.0 0123', 'frozen.timbre': '4567'}, set())
  chain.begin(folder / 'ebm', {'frozen.aee': chain.read(folder / 'aee').fingerprint}, set())
  return folder


def inspect(*arguments):
  return cli.main(['inspect', *map(str, arguments)])


def test_the_table(system, capsys):
  assert inspect('--system-dir', system) == 0
  shown = capsys.readouterr().out
  (row,) = [line for line in shown.splitlines() if line.split()[:1] == ['aee']]
  assert row.split() == ['aee', 'debug', '1', chain.read(system / 'aee').fingerprint, 'mead/front',
                         '1.0.0', '0123', 'timbre', '4567']
  assert f'aee {chain.read(system / "aee").fingerprint}' in shown
  assert inspect() == 0 and 'default_system' in capsys.readouterr().out


def test_an_exported_system_tells_the_same(system, tmp_path, capsys):
  out = tmp_path / 'out'
  assert cli.main(['export', '--system-dir', str(system), '--format', 'compact',
                   '--out', str(out)]) == 0
  capsys.readouterr()
  assert inspect('--system-dir', out) == 0
  assert f'aee {chain.read(system / "aee").fingerprint}' in capsys.readouterr().out


def test_a_broken_chain_is_shown_and_refused_by_all(system, tmp_path, capsys):
  chain.begin(system / 'aee', {'dataset.mead/front': '1.1.0 89ab'}, set())
  assert inspect('--system-dir', system) == 2
  said = capsys.readouterr()
  assert '(another is here)' in said.out and 'ebm was trained on another aee' in said.err
  face, sound = tmp_path / 'face.png', tmp_path / 'speech.wav'
  face.touch()
  sound.touch()
  assert cli.main(['export', '--system-dir', str(system), '--format', 'compact',
                   '--out', str(tmp_path / 'out')]) == 2
  assert 'ebm was trained on another aee' in capsys.readouterr().err
  assert not (tmp_path / 'out').exists()


def test_nothing_there(tmp_path, capsys):
  for folder in (tmp_path, tmp_path / 'absent'):
    assert inspect('--system-dir', folder) == 2
    assert 'cemnet train' in capsys.readouterr().err
