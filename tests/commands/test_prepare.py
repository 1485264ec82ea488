"""`cemnet prepare`: flags reach the builders, and bad ones get one clear line."""

import contextlib
import sys
import types

import numpy as np
import pytest

from cemnet_jax import cli
from cemnet_jax.preprocess import face
from cemnet_jax.preprocess.video import write_video


def test_synth_calls_the_world(monkeypatch, tmp_path):
  calls = []
  fake = types.SimpleNamespace(prepare_synthetic=lambda *a: calls.append(a))
  monkeypatch.setitem(sys.modules, 'cemnet_jax.preprocess.prepare', fake)
  assert cli.main(['prepare', 'synth', '--size', 'debug', '--data', str(tmp_path / 'd'),
                   '--processes', '3']) == 0
  assert calls == [(str(tmp_path / 'd'), 'debug', 3)]


def test_folder_builds_a_dataset(monkeypatch, tmp_path, capsys):
  points = np.random.default_rng(0).uniform(10, 80, (1, 131, 2)).astype(np.float32)

  @contextlib.contextmanager
  def landmarker(path=None):
    yield lambda rgb: points
  monkeypatch.setattr(face, 'landmarker', landmarker)
  monkeypatch.setattr(face, 'find_landmarker', lambda path=None: path)
  for name in 'abc':
    (tmp_path / 'raw' / name).mkdir(parents=True)
    tone = 0.2 * np.sin(np.arange(26 * 640) * 0.3).astype(np.float32)
    write_video(tmp_path / 'raw' / name / 'x.mp4', np.zeros((26, 96, 96, 3), np.uint8), tone)
  code = cli.main(['prepare', 'folder', '--root', str(tmp_path / 'raw'), '--name', 'mine',
                   '--data', str(tmp_path / 'data'), '--size', '32', '--processes', '1'])
  assert code == 0, capsys.readouterr().err
  assert (tmp_path / 'data' / 'clip_folder' / 'mine' / '1.0.0' / 'dataset_info.json').is_file()


@pytest.mark.parametrize('flags,line', [
  (['folder', '--root', 'nowhere', '--name', 'mine'], 'nowhere: no such folder'),
  (['folder', '--root', '.', '--name', 'my-clips'], 'use letters, digits and _ only'),
  (['folder', '--root', '.', '--name', 'mine', '--size', '4'], 'at least 16 px'),
  (['synth', '--size', 'huge'], "invalid choice: 'huge'"),
  (['folder', '--name', 'mine'], 'required: --root')])
def test_bad_flags(flags, line, tmp_path, capsys):
  assert cli.main(['prepare', *flags, '--data', str(tmp_path / 'data')]) == 2
  err = capsys.readouterr().err
  assert err.count('\n') == 1 and line in err, err


def test_data_folder_that_cannot_be_made(tmp_path, capsys):
  (tmp_path / 'file').touch()
  flags = ['--size', 'debug', '--data', str(tmp_path / 'file' / 'd')]
  assert cli.main(['prepare', 'synth', *flags]) == 2
  assert 'cannot be made' in capsys.readouterr().err
