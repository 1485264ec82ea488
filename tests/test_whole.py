"""Everything through the command line, nothing replaced: the whole way at `debug` size, and what is
refused once data and stages no longer belong together."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds

from cemnet_jax import cli
from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.preprocess.synthetic import world
from cemnet_jax.train import chain
from tfds_builders.prepare import prepare_synthetic
from tfds_builders.synth_mead.synth_mead_dataset_builder import Builder

ROOT = Path(__file__).resolve().parents[1]
MEAD = 'synth_mead/mead_debug'
pytestmark = pytest.mark.slow


def command(*arguments, program=('-m', 'cemnet_jax.cli')):
  """Runs a command in a process of its own; its output."""
  done = subprocess.run(
    [sys.executable, *program, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
    timeout=3000, env={**os.environ, 'CEMNET_CACHE': str(ROOT / '.jax_cache/commands')})
  assert done.returncode == 0, done.stderr[-3000:]
  return done.stdout


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """(data, workdir) of all stages of `cemnet` at size debug, made by two commands."""
  folder = tmp_path_factory.mktemp('whole')
  data, work = folder / 'data', folder / 'work'
  assert command('prepare', 'synth', '--size', 'debug', '--data', data).count(' in ') == 4
  said = command('train', '--system', 'cemnet', '--preset', 'debug', '--data', data,
                 '--workdir', work)
  assert '[9/9] renderer' in said
  return data, work


@pytest.fixture(scope='module')
def face(trained, tmp_path_factory):
  """(picture, its landmarks, speech) of an unseen drawn speaker as files."""
  folder, clips = tmp_path_factory.mktemp('face'), Clips(trained[0], MEAD)
  clip = clips[clips.ranges['test'][0]]
  picture = decode_jpeg(clip['frames'][0])
  cv2.imwrite(str(folder / 'face.png'), picture[..., ::-1])
  np.save(folder / 'points.npy', clip['landmarks'][:1].astype(np.float32) * len(picture))
  import scipy.io.wavfile
  scipy.io.wavfile.write(folder / 'speech.wav', 16_000, clip['audio'])
  return folder / 'face.png', folder / 'points.npy', folder / 'speech.wav'


def generate(work, face, out):
  """The arguments of `cemnet generate`."""
  picture, points, speech = face
  return ['generate', '--system-dir', work, '--reference', picture, '--landmarks', points,
          '--audio', speech, '--out', out]


def test_evaluate(trained, tmp_path):
  data, work = trained
  said = command('evaluate', '--system-dir', work, '--data', data, '--out', tmp_path, '--clips', 2,
                 '--repetitions', 1, '--drawn', 1)
  numbers = json.loads((tmp_path / 'results.json').read_text())
  for split in ('test', 'test_sentence'):
    scores = numbers['tables'][f'cross_emotion/{split}/cemnet']
    assert scores['m_lmd']['count'] == 2 and scores['m_lmd']['mean'] > 0
    assert np.isfinite(scores['psnr_region']['mean'])
  assert numbers['weights'][str(work)]['ebm'].split(',')[0] == chain.read(work / 'ebm').fingerprint
  assert 'Table II, cross emotion' in said and (tmp_path / 'index.html').is_file()


def test_benchmark_over_two_seeds(trained, tmp_path):
  out = tmp_path / 'run'
  arguments = ('benchmark', '--out', out, '--data', trained[0], '--seeds', 2, '--size', 'debug',
               '--clips', 2, '--drawn', 1)
  command(*arguments)
  first, second = (chain.read_all(out / f'seed_{seed}') for seed in (0, 1))
  assert second.keys() < first.keys() and 'lip_expert' in first.keys() - second.keys()
  assert {name for name in second if second[name].fingerprint == first[name].fingerprint} == {
    'image_emotion', 'renderer'}
  numbers = json.loads((out / 'report/results.json').read_text())
  ours = {name: {stage: link.fingerprint for stage, link in links.items()}
          for name, links in (('seed_0', first), ('seed_1', second))}
  for folder, stages in numbers['weights'].items():
    assert {stage: known.split(',')[0] for stage, known in stages.items()}.items() <= (
      ours[Path(folder).name].items())
  for protocol, systems in (('cross_emotion', 'cemnet'), ('lrs', 'wav2lip'),
                            ('ablation', 'cemnet_no_aee')):
    scores = numbers['tables'][f'{protocol}/test/{systems}']
    assert np.isfinite(scores['psnr_region']['mean'])
    assert ('m_lmd' in scores) == (systems != 'wav2lip')  # which draws without landmarks
  seconds = json.loads((out / 'times.json').read_text())
  said = command(*arguments)  # again: nothing is trained or measured
  assert 'finished before' in said and chain.read_all(out / 'seed_1') == second
  assert json.loads((out / 'times.json').read_text()).keys() == seconds.keys()


def test_generate(trained, face, tmp_path):
  for name in ('one.mp4', 'two.mp4'):
    command(*generate(trained[1], face, tmp_path / name))
  with av.open(str(tmp_path / 'one.mp4')) as film:
    frames = [frame.to_ndarray(format='rgb24') for frame in film.decode(video=0)]
    assert film.streams.video[0].average_rate == 25 and film.streams.audio
  size = len(cv2.imread(str(face[0])))
  assert {frame.shape for frame in frames} == {(size, size, 3)}
  assert np.abs(np.diff(np.float32(frames), axis=0)).max() > 8, 'something moves'
  assert (tmp_path / 'one.mp4').read_bytes() == (tmp_path / 'two.mp4').read_bytes()


@pytest.fixture(scope='module')
def mixed(trained, tmp_path_factory):
  """(new data, old data, workdir): the data built anew as another version with other splits, and
  one stage trained on that."""
  folder = tmp_path_factory.mktemp('mixed')
  data, work = folder / 'data', folder / 'work'
  shutil.copytree(trained[0], data)
  shutil.copytree(trained[1], work)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(world, 'SPLIT_SEED', 1)
    patch.setattr(Builder, 'VERSION', tfds.core.Version('9.0.0'))
    patch.setattr(Builder, 'RELEASE_NOTES', {'9.0.0': 'Others are held out.'})
    prepare_synthetic(data, 'debug', report=lambda line: None)
  assert Clips(data, MEAD).people('test') & Clips(trained[0], MEAD).people('train')
  shutil.rmtree(work / 'image_emotion')
  command(f'--data={data}', f'--workdir={work / "image_emotion"}',
          '--config=configs/image_emotion.py:debug', program=['run_train.py'])
  return data, trained[0], work


def refused(capsys, *arguments) -> str:
  """The one line of a command that ends with code 2."""
  capsys.readouterr()
  assert cli.main([str(a) for a in arguments]) == 2
  error = capsys.readouterr().err
  (line,) = [line for line in error.splitlines() if line.startswith('cemnet: error: ')]
  assert error.endswith(line + '\n')
  return line


def test_training_on_data_built_anew_is_refused(trained, mixed, capsys):
  line = refused(capsys, 'train', '--preset', 'debug', '--data', mixed[0], '--workdir', trained[1])
  assert 'statistics of other data (synth_mead/lrs_debug 2.0.0 ' in line and '9.0.0' in line


def test_training_on_with_a_stage_trained_anew_is_refused(mixed):
  new, old, work = mixed
  for data, what in ((old, 'frozen.image_emotion'), (new, 'dataset.synth_mead/lrs_debug')):
    done = subprocess.run(
      [sys.executable, 'run_train.py', f'--data={data}', f'--workdir={work / "renderer"}',
       '--config=configs/renderer.py:debug'], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and what in done.stderr, done.stderr
    assert done.stderr.count('\n') == 1, done.stderr


def test_mixed_stages_are_refused_by_all_that_load_them(mixed, face, tmp_path, capsys):
  new, old, work = mixed
  for arguments in (
      generate(work, face, tmp_path / 'talk.mp4'),
      ['export', '--system-dir', work, '--format', 'compact', '--out', tmp_path / 'out'],
      ['evaluate', '--system-dir', work, '--data', old, '--out', tmp_path / 'results'],
      ['inspect', '--system-dir', work]):
    assert 'was trained on another image_emotion' in refused(capsys, *arguments)
  assert not (tmp_path / 'talk.mp4').exists() and not (tmp_path / 'out').exists()


def test_evaluation_on_other_data_is_refused(trained, mixed, tmp_path, capsys):
  new = mixed[0]
  line = refused(capsys, 'evaluate', '--system-dir', trained[1], '--data', new, '--out', tmp_path)
  assert 'was trained on another build of the dataset' in line and '9.0.0' in line
  shutil.copytree(new / MEAD / '9.0.0', tmp_path / 'synth_mead/renamed/9.0.0')
  line = refused(capsys, 'evaluate', '--system-dir', trained[1], '--data', tmp_path, '--out',
                 tmp_path / 'out', '--dataset', 'synth_mead/renamed')
  assert 'of the test speakers (synth_mead/' in line
