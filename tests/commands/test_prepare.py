"""`cemnet prepare`: flags reach the builders, and bad ones get one clear line."""

import sys
import types

import numpy as np
import pytest

from cemnet_jax import cli
from cemnet_jax.preprocess.encode import write_video


def test_synth_calls_the_world(monkeypatch, tmp_path):
  calls = []
  fake = types.SimpleNamespace(prepare_synthetic=lambda *a: calls.append(a))
  monkeypatch.setitem(sys.modules, 'tfds_builders.prepare', fake)
  assert cli.main(['prepare', 'synth', '--size', 'debug', '--data', str(tmp_path / 'd'),
                   '--processes', '3']) == 0
  assert calls == [(str(tmp_path / 'd'), 'debug', 3)]


def test_folder_builds_a_dataset(tmp_path, capsys):
  points = np.random.default_rng(0).uniform(10, 80, (1, 131, 2)).astype(np.float32)
  for name in 'abc':
    for folder in ('raw', 'ready'):
      (tmp_path / folder / name).mkdir(parents=True)
    tone = 0.2 * np.sin(np.arange(26 * 640) * 0.3).astype(np.float32)
    write_video(tmp_path / 'raw' / name / 'x.mp4', np.zeros((26, 96, 96, 3), np.uint8), tone)
    np.savez(tmp_path / 'ready' / name / 'x.npz', landmarks=points.repeat(26, 0))
  flags = ['prepare', 'folder', '--root', str(tmp_path / 'raw'), '--name', 'mine', '--landmarks',
           str(tmp_path / 'ready'), '--data', str(tmp_path / 'data'), '--processes', '1']
  assert cli.main([*flags, '--size', '32']) == 0, capsys.readouterr().err
  assert (tmp_path / 'data' / 'clip_folder' / 'mine' / '1.2.0' / 'dataset_info.json').is_file()
  assert cli.main([*flags, '--size', '32']) == 0, 'a second run keeps what is there'
  capsys.readouterr()
  assert cli.main([*flags, '--size', '48']) == 2
  assert 'was built with size 32, not 48' in capsys.readouterr().err


@pytest.mark.parametrize('flags,line', [
  (['folder', '--root', 'nowhere', '--name', 'mine'], 'nowhere: no such folder'),
  (['folder', '--root', '.', '--name', 'my-clips'], 'use letters, digits and _ only'),
  (['folder', '--root', '.', '--name', 'mine', '--size', '4'], '--size: 4: at least 16 is needed'),
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
