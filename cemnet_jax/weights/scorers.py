"""Public scorers as stages that `cemnet evaluate` measures with, in place of trained ones, and the
identity net as a stage that conditions the memory.
"""

from pathlib import Path
from typing import Any, NamedTuple

from cemnet_jax.errors import UserError
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.deepface import INPUT_SIZE
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.train import ckpt
from cemnet_jax.weights import arcface_gray, insightface
from cemnet_jax.weights.deepface import load_deepface
from cemnet_jax.weights.stage_folder import check_free, write_stage
from cemnet_jax.weights.syncnet import PICTURES, load_syncnet
from cemnet_jax.weights.torch_files import file_sha256, read_tensors

Tree = Any


class Scorer(NamedTuple):
  """A public net as a stage: its net's name there, fields of the config, variables."""
  net: str
  model: dict
  image_size: int
  variables: dict[str, Tree]


def import_scorers(out: str | Path, syncnet: str | Path | None = None,
                   identity: str | Path | None = None, emotion: str | Path | None = None,
                   ) -> dict[str, str]:
  """Writes the stages syncnet/, identity_scorer/ and emotion_scorer/ below `out`, those given.

  Args:
    out: a system's workdir, or a folder of its own.
    syncnet: syncnet_v2.model of syncnet_python.
    identity: an IResNet of insightface's arcface_torch, or the gray ResNet-18 of arcface-pytorch.
    emotion: facial_expression_model_weights.h5 of DeepFace, which tells seven emotions.

  Returns:
    {stage: sha256 of its file}.

  Raises:
    UserError: no file is given, a file does not fit, or a stage is there; nothing is written then.
  """
  given = {'syncnet': (syncnet, _syncnet), 'identity_scorer': (identity, _identity),
           'emotion_scorer': (emotion, _emotion)}
  given = {stage: pair for stage, pair in given.items() if pair[0] is not None}
  if not given:
    raise UserError('no weights are given; give at least one of --syncnet, --identity, --emotion')
  return _write(Path(out), given)


def import_identity(out: str | Path, path: str | Path) -> str:
  """Writes the stage identity/ below `out`, whose embedding conditions the memory (spec 5).

  Args:
    path: either of the files that `import_scorers` takes for an identity, but not the same one.

  Returns:
    The file's sha256.

  Raises:
    UserError: as `import_scorers`.
  """
  return _write(Path(out), {'identity': (path, _identity)})['identity']


def _write(out: Path, given: dict[str, tuple]) -> dict[str, str]:
  """Writes {stage: (file, loader)}; {stage: sha256 of its file}."""
  for stage in given:
    check_free(out / stage)
  scorers = {stage: load(path) for stage, (path, load) in given.items()}
  hashes = {stage: file_sha256(path) for stage, (path, _) in given.items()}
  _check_identities(out, hashes)
  for stage, scorer in scorers.items():
    source = {'file': Path(given[stage][0]).name, 'sha256': hashes[stage]}
    config = {'stage': stage, 'imported': source, 'model': scorer.model,
              'data': {'image_size': scorer.image_size}}
    write_stage(out / stage, config, {scorer.net: scorer.variables})
  return hashes


def _check_identities(out: Path, hashes: dict[str, str]) -> None:
  """Refuses to measure identity with the very weights that condition the model."""
  pair = ('identity', 'identity_scorer')
  there = [hashes.get(stage) or ckpt.read_json(out / stage / ckpt.CONFIG).get(
    'imported', {}).get('sha256') for stage in pair]
  if there[0] and there[0] == there[1]:
    raise UserError(f'{out}: the stages {" and ".join(pair)} would have the same weights; CSIM '
                    'needs others than those that condition the model')


def _syncnet(path) -> Scorer:
  net, variables = load_syncnet(path)
  model = dict(width=net.width, dim=net.dim, input_size=PICTURES, mouth=net.mouth)
  return Scorer('syncnet', model, PICTURES, variables)


def _emotion(path) -> Scorer:
  net, variables = load_deepface(path)
  model = dict(classes=net.classes, width=net.width, dropout=net.dropout)
  return Scorer('emotion_scorer', model, INPUT_SIZE, variables)


def _identity(path) -> Scorer:
  """Which of the two nets it is, the names of its tensors tell."""
  tensors = read_tensors(path)
  module = arcface_gray if 'fc5.weight' in tensors else insightface
  net: IResNet | GrayResNet
  net, variables = module.from_tensors(tensors, str(path))
  model = dict(net='gray_resnet' if module is arcface_gray else 'iresnet', stages=list(net.stages),
               width=net.width, dim=net.dim, input_size=net.input_size)
  return Scorer('identity', model, net.input_size, variables)
