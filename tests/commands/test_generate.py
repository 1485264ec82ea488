"""`cemnet generate`: a video from the command line, and one clear line for every bad input."""

import contextlib
import wave

import cv2
import numpy as np
import pytest

from cemnet_jax import cli
from cemnet_jax.infer import loading, start
from cemnet_jax.preprocess import face
from cemnet_jax.preprocess.guarded import Failed
from cemnet_jax.preprocess.video import read_video
from cemnet_jax.weights import embedded
from tests.infer.tiny_system import drawn_face, save_system


@pytest.fixture(scope='module')
def system_dir(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('system'))


class Here:
  """`Guard` without a process of its own, in which nothing could be replaced."""

  def __init__(self, function):
    self.function = function

  def begin(self, task):
    self.result = lambda: self.function(task, lambda: None)

  def close(self):
    return None


@pytest.fixture
def inputs(tmp_path, monkeypatch):
  """A face, its landmarks, a second of speech; MediaPipe is replaced by a blind detector."""
  points, image = drawn_face(80)
  cv2.imwrite(str(tmp_path / 'face.png'), image[..., ::-1])
  np.save(tmp_path / 'face.npy', points[None])
  with wave.open(str(tmp_path / 'speech.wav'), 'wb') as out:
    out.setparams((1, 2, 16000, 0, 'NONE', ''))
    noise = np.random.default_rng(0).normal(0, 3000, 8000)
    out.writeframes(noise.astype(np.int16).tobytes())

  @contextlib.contextmanager
  def blind(path=None):
    yield lambda rgb: np.zeros((0, 131, 2), np.float32)
  monkeypatch.setattr(face, 'landmarker', blind)
  monkeypatch.setattr(start, 'Guard', Here)
  monkeypatch.setattr(face, 'find_landmarker', lambda path: path)
  return tmp_path


def _run(inputs, trained, /, **changed):
  values = {'--system-dir': trained, '--reference': inputs / 'face.png',
            '--audio': inputs / 'speech.wav', '--out': inputs / 'out' / 'talk.mp4',
            '--landmarks': inputs / 'face.npy'}
  values |= {'--' + k.replace('_', '-'): v for k, v in changed.items()}
  flags = [str(x) for k, v in values.items() if v is not None for x in (k, v)]
  return cli.main(['generate', *flags])


def test_writes_a_talking_video(inputs, system_dir):
  assert _run(inputs, system_dir, emotion='sad') == 0
  got = read_video(inputs / 'out' / 'talk.mp4')
  assert got.frames.shape == (13, 80, 80, 3) and len(got.audio) == 13 * 640


def test_without_a_system_it_takes_the_one_of_the_package(inputs, system_dir, monkeypatch):
  folder = inputs / 'packed'
  assert cli.main(['export', '--system-dir', str(system_dir), '--format', 'compact',
                   '--out', str(folder)]) == 0
  monkeypatch.setattr(embedded, 'FOLDER', folder)
  assert _run(inputs, None) == 0
  assert read_video(inputs / 'out' / 'talk.mp4').frames.shape == (13, 80, 80, 3)
  (folder / 'weights.safetensors').unlink()
  assert _run(inputs, None) == 2


def test_a_missing_landmarker_is_told_before_anything_is_loaded(inputs, system_dir, monkeypatch,
                                                                capsys):
  monkeypatch.undo()
  monkeypatch.setenv(face.MODEL_VARIABLE, str(inputs / 'none.task'))
  loaded = []
  monkeypatch.setattr(loading, 'load', lambda *args: loaded.append(args))
  assert _run(inputs, system_dir, landmarks=None) == 2
  assert 'none.task: no such landmarker file' in capsys.readouterr().err and not loaded


def test_what_is_wrong_in_the_other_process_is_told(inputs, system_dir, monkeypatch, capsys):
  monkeypatch.undo()
  bad = _junk(inputs / 'bad.task')
  assert _run(inputs, system_dir, landmarks=None, landmarker=bad) == 2
  err = capsys.readouterr().err
  assert err.count('\n') == 1 and 'bad.task: not a usable face landmarker' in err, err


def test_a_process_that_dies_is_told(inputs, system_dir, monkeypatch, capsys):
  class Dead(Here):
    def begin(self, task):
      self.result = lambda: Failed('the process that read it died (SIGSEGV)')
  monkeypatch.setattr(start, 'Guard', Dead)
  assert _run(inputs, system_dir, landmarks=None) == 2
  assert 'face.png: MediaPipe found no face since the process' in capsys.readouterr().err


def _junk(path):
  path.write_bytes(b'junk' * 100)
  return path


def _empty(path):
  path.touch()
  return path


@pytest.mark.parametrize('changed,line', [
  (lambda d: {'landmarks': None}, 'face.png: no face found'),
  (lambda d: {'reference': d / 'none.png'}, 'none.png: no such file'),
  (lambda d: {'reference': _junk(d / 'bad.png')}, 'bad.png: not a readable picture'),
  (lambda d: {'reference': _empty(d / 'empty.png')}, 'empty.png: is empty'),
  (lambda d: {'reference': _junk(d / 'bad.mp4'), 'landmarks': None}, 'bad.mp4: cannot be decoded'),
  (lambda d: {'audio': _empty(d / 'empty.wav')}, 'empty.wav: is empty'),
  (lambda d: {'audio': _junk(d / 'bad.wav')}, 'bad.wav: cannot be decoded'),
  (lambda d: {'audio': d / 'face.png'}, 'face.png: has no sound track'),
  (lambda d: {'landmarks': _junk(d / 'bad.npy')}, 'bad.npy: cannot be read as an .npy array'),
  (lambda d: {'system_dir': d / 'nowhere'}, 'nowhere: no such folder'),
  (lambda d: {'out': d / 'face.png' / 'talk.mp4'}, 'talk.mp4: cannot be written'),
  (lambda d: {'emotion': 'bored'}, "invalid choice: 'bored'"),
  (lambda d: {'emotion': 'surprised'}, 'trained on no speech with it')])
def test_bad_input_is_one_line_and_no_file(inputs, system_dir, capsys, changed, line):
  changed = changed(inputs)
  before = {p for p in inputs.rglob('*') if p.is_file()}
  assert _run(inputs, system_dir, **changed) == 2
  err = capsys.readouterr().err
  assert err.count('\n') == 1 and err.startswith('cemnet: error: ') and line in err, err
  assert {p for p in inputs.rglob('*') if p.is_file()} == before
