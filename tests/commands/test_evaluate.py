"""`cemnet evaluate`: what is refused, and a whole run on a tiny system."""

import pytest

from cemnet_jax.cli import main
from tests.infer.tiny_system import save_system


def refused(capsys, *arguments):
  assert main(['evaluate', *map(str, arguments)]) == 2
  lines = capsys.readouterr().err.strip().splitlines()
  assert len(lines) == 1
  return lines[0]


@pytest.mark.parametrize('flags, words', [
  (('--repetitions', 0), '--repetitions: 0: at least 1'),
  (('--drawn', -1), '--drawn: -1: at least 0'),
  (('--cell-clips', 0), '--cell-clips: 0: at least 1'),
  (('--protocol', 'table'), "invalid choice: 'table'")])
def test_bad_numbers_are_one_line(capsys, tmp_path, flags, words):
  given = ('--system-dir', tmp_path, '--data', tmp_path, '--out', tmp_path / 'out')
  assert words in refused(capsys, *given, *flags)
  assert not (tmp_path / 'out').exists()


def test_missing_folders_are_one_line(capsys, tmp_path):
  given = ('--data', tmp_path, '--out', tmp_path / 'out')
  assert 'no such folder' in refused(capsys, '--system-dir', tmp_path / 'none', *given)
  (tmp_path / 'file').touch()
  assert 'is a file' in refused(capsys, '--system-dir', tmp_path, '--data', tmp_path, '--out',
                                tmp_path / 'file')
  (tmp_path / 'empty').mkdir()
  assert 'give --dataset NAME' in refused(capsys, '--system-dir', tmp_path / 'empty', *given)
  assert 'none of wav2lip, a2m_renderer, cemnet is trained here' in refused(
    capsys, '--system-dir', tmp_path / 'empty', *given, '--dataset', 'synth_mead/mead_debug',
    '--lrs', 'synth_mead/lrs_debug')


def test_a_run_leaves_its_folder(capsys, tmp_path, debug_data):
  system, out = save_system(tmp_path / 'system'), tmp_path / 'out'
  assert main(['evaluate', '--system-dir', str(system), '--data', str(debug_data), '--out',
               str(out), '--protocol', 'cross_emotion', '--split', 'test', '--repetitions', '1',
               '--clips', '2', '--drawn', '1', '--no-understanding']) == 0
  said = capsys.readouterr().out
  assert 'Table II, cross emotion' in said and '| cemnet |' in said
  assert sorted(p.name for p in out.iterdir()) == [
    '.lock', 'index.html', 'records', 'results.json', 'results.md']
