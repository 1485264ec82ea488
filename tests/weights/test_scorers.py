"""Public scorers become stages that the evaluation loads, at their public sizes."""

from functools import partial

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.scorers import load_scorers
from cemnet_jax.metrics.emotion_recognition import DEEPFACE, classes_of
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.deepface import DeepFaceEmotion
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.nets.syncnet import SyncNet
from cemnet_jax.stages import build
from cemnet_jax.train import ckpt, loop
from cemnet_jax.weights import arcface_gray, deepface, insightface, scorers, syncnet
from cemnet_jax.weights.torch_files import file_sha256
from tests.weights.public_tensors import zeros


@pytest.fixture
def files(tmp_path, monkeypatch):
  """Paths that stand for the public files, and what is in them."""
  gray, deep = GrayResNet(), IResNet(stages=(2, 2, 2, 2))
  nets = {
    'sync': lambda: zeros(SyncNet(), syncnet.entries(), (1, 5, 224, 224, 3), (1, 13, 20)),
    'gray': lambda: zeros(gray, arcface_gray.entries(gray), (1, 128, 128, 3)),
    'deep': lambda: zeros(deep, insightface.entries(deep), (1, 112, 112, 3)),
    'emotion': lambda: zeros(DeepFaceEmotion(7), deepface.entries(), (1, 48, 48, 3))}
  for module, name in ((syncnet, 'read_tensors'), (scorers, 'read_tensors'),
                       (deepface, 'read_keras')):
    monkeypatch.setattr(module, name, lambda path: nets[path.stem]())
  for name in nets:
    (tmp_path / f'{name}.pth').write_bytes(name.encode())
  return {name: tmp_path / f'{name}.pth' for name in nets}


def test_evaluation_loads_them(files, tmp_path):
  out = tmp_path / 'system'
  hashes = scorers.import_scorers(out, files['sync'], files['gray'], files['emotion'])
  assert hashes['syncnet'] == file_sha256(files['sync'])
  found = load_scorers(out)
  assert found.syncnet.net == SyncNet(input_size=224) and found.syncnet.size == 224
  assert found.identity_scorer.net == GrayResNet() and found.identity_scorer.size == 128
  assert found.emotion_scorer.net == DeepFaceEmotion(7) and found.emotion_scorer.size == 48
  assert found.landmark_scorer is None
  shape = lambda *dims: jax.ShapeDtypeStruct(dims, np.float32)
  see = lambda scorer, *x: jax.eval_shape(
    partial(scorer.net.apply, train=False), scorer.variables, *x)
  lips, audio = see(found.syncnet, shape(2, 5, 224, 224, 3), shape(2, 13, 20))
  assert lips.shape == audio.shape == (2, 1024)
  assert see(found.identity_scorer, shape(2, 128, 128, 3)).shape == (2, 512)
  _, logits = see(found.emotion_scorer, shape(2, 48, 48, 3))
  assert classes_of(logits) == DEEPFACE


def test_either_identity_net(files, tmp_path):
  scorers.import_scorers(tmp_path, identity=files['deep'])
  found = load_scorers(tmp_path).identity_scorer
  assert found.net == IResNet(stages=(2, 2, 2, 2)) and found.size == 112


@pytest.mark.parametrize('name', ['deep', 'gray'])
def test_identity_conditions_the_memory(files, tmp_path, name):
  assert scorers.import_identity(tmp_path, files[name]) == file_sha256(files[name])
  assert loop.imported(tmp_path / 'identity')
  cfg = ConfigDict(ckpt.load_config(tmp_path / 'identity'))
  net, images = build.identity(cfg.model), jax.ShapeDtypeStruct((1, 3, 96, 96, 3), np.uint8)
  stored = ckpt.load_params(tmp_path / 'identity')
  variables = {'params': stored['params']['identity'], 'batch_stats': stored['stats']['identity']}
  assert jax.eval_shape(partial(pipeline.reference_identity, net), variables, images).shape == (
    1, 512)
  with pytest.raises(UserError, match='CSIM.* needs others'):
    scorers.import_scorers(tmp_path, identity=files[name])
  scorers.import_scorers(tmp_path, identity=files['gray' if name == 'deep' else 'deep'])


def test_nothing_is_written_on_errors(files, tmp_path):
  out = tmp_path / 'system'
  with pytest.raises(UserError, match='at least one of'):
    scorers.import_scorers(out)
  with pytest.raises(UserError, match='netcnnlip|unexpected tensor'):
    scorers.import_scorers(out, syncnet=files['gray'], emotion=files['emotion'])
  assert not out.exists()
  (out / 'syncnet').mkdir(parents=True)
  with pytest.raises(UserError, match='is there already'):
    scorers.import_scorers(out, files['sync'], emotion=files['emotion'])
  assert [path.name for path in out.iterdir()] == ['syncnet']


def test_a_folder_that_cannot_be_made(files, tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot be written'):
    scorers.import_scorers(tmp_path / 'file', emotion=files['emotion'])
