"""`cemnet import-weights`: stages of a system from public PyTorch checkpoints."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cemnet_jax.commands.arguments import path_name

PRESET = 'paper'  # the sizes of public weights


class Source(NamedTuple):
  """A file as a stage.

  Attributes:
    stage: its config's name and its folder.
    net: name of the net in the stage's state.
    path: the file.
    load: (path, net) -> variables.
    build: config.model -> net.
    changes: fields of the config that differ from PRESET's: {'data.N': 15}.
    statistics: other arrays that readers of the stage expect.
  """
  stage: str
  net: str
  path: Path
  load: Callable
  build: Callable
  changes: dict[str, Any]
  statistics: dict


def add_arguments(parser) -> None:
  """Flags of the command: one sub-command per kind of weights."""
  kinds = parser.add_subparsers(dest='kind', required=True, metavar='KIND')
  add = kinds.add_parser('iplap', help="IP-LAP's two nets: the system a2m_renderer").add_argument
  add('--landmarks', required=True, metavar='FILE', help='landmarkgenerator_checkpoint.pth')
  add('--renderer', required=True, metavar='FILE', help='renderer_checkpoint.pth')
  _out(add)
  add = kinds.add_parser('wav2lip', help='Wav2Lip: the system wav2lip').add_argument
  add('--generator', required=True, metavar='FILE', help='wav2lip.pth or wav2lip_gan.pth')
  add('--expert', required=True, metavar='FILE', help='lipsync_expert.pth')
  _out(add)
  add = kinds.add_parser('identity', help='ArcFace, which tells the memory who speaks').add_argument
  add('--weights', required=True, metavar='FILE',
      help="an IResNet of insightface's arcface_torch, or resnet18_110.pth of arcface-pytorch")
  _out(add)
  add = kinds.add_parser('scorers', help='what `cemnet evaluate` measures with').add_argument
  add('--syncnet', metavar='FILE', help='syncnet_v2.model of syncnet_python')
  add('--identity', metavar='FILE',
      help="an IResNet of insightface's arcface_torch, or resnet18_110.pth of arcface-pytorch")
  add('--emotion', metavar='FILE', help='facial_expression_model_weights.h5 of DeepFace')
  _out(add)


def _out(add) -> None:
  add('--out', type=path_name, required=True, metavar='DIR',
      help="a system's workdir; gets one folder per stage")


def run(args) -> None:
  """Reads and checks every file before anything is written."""
  _KINDS[args.kind](args)


def _iplap(args) -> None:
  from cemnet_jax.stages import build
  from cemnet_jax.weights.iplap import load_landmarks, load_renderer
  # The numbers of references of its published inference, its crops, sketches and warp (spec 8.3);
  # it hears mel as it is.
  renderer = {'data.N': 25, 'data.crop': 'iplap', 'data.lines': 'iplap',
              'data.landmark_flow': False, 'model.quirk': True, 'model.flow_scale': 1.0,
              'model.centred': False, 'model.skip': False}
  _import(args.out, [
    # Without statistics landmarks stay as they are in the crop.
    Source('audio2mouth', 'a2m', args.landmarks, load_landmarks, build.audio2mouth,
           {'data.N': 15, 'data.crop': 'iplap', 'model.per_utterance': False,
            'model.stable_frame': False}, {'landmarks': {}}),
    Source('renderer', 'generator', args.renderer, load_renderer, build.renderer, renderer, {})])
  print(f'{args.out}: now `cemnet generate --system-dir {args.out} --system a2m_renderer '
        '--no-memory --choose lip_openness ...`')


def _wav2lip(args) -> None:
  from cemnet_jax.stages import build
  from cemnet_jax.weights.wav2lip import SIZE, load_expert, load_generator
  _import(args.out, [
    Source('lip_expert', 'expert', args.expert, load_expert, build.lip_expert,
           {'data.image_size': SIZE}, {}),
    Source('wav2lip', 'generator', args.generator, load_generator, build.wav2lip,
           {'data.image_size': SIZE, 'model.centred': False}, {})])


def _identity(args) -> None:
  from cemnet_jax.weights.scorers import import_identity
  _tell(Path(args.out) / 'identity', args.weights, import_identity(args.out, args.weights))


def _scorers(args) -> None:
  from cemnet_jax.weights.scorers import import_scorers
  given = {'syncnet': args.syncnet, 'identity_scorer': args.identity,
           'emotion_scorer': args.emotion}
  for stage, digest in import_scorers(args.out, args.syncnet, args.identity, args.emotion).items():
    _tell(Path(args.out) / stage, given[stage], digest)


def _import(out: str, sources: list[Source]) -> None:
  from cemnet_jax.train import ckpt
  from cemnet_jax.train_system import load_config
  from cemnet_jax.weights.stage_folder import check_free, write_stage
  from cemnet_jax.weights.torch_files import file_sha256
  folders = [Path(out) / source.stage for source in sources]
  for folder in folders:
    check_free(folder)
  configs = [load_config(source.stage, PRESET) for source in sources]
  for source, cfg in zip(sources, configs):
    with cfg.unlocked():
      cfg.update_from_flattened_dict(source.changes)
  variables = [source.load(source.path, source.build(cfg.model))
               for source, cfg in zip(sources, configs)]
  digests = [file_sha256(source.path) for source in sources]
  _check_writable(out)
  for source, cfg, tree, folder, digest in zip(sources, configs, variables, folders, digests):
    origin = {'file': Path(source.path).name, 'sha256': digest}
    write_stage(folder, ckpt.plain(cfg) | {'imported': origin}, {source.net: tree},
                source.statistics)
    _tell(folder, source.path, digest)


def _check_writable(out: str) -> None:
  from cemnet_jax.files import check_writable
  check_writable(Path(out) / 'imported')


def _tell(folder: Path, path: str, digest: str) -> None:
  from cemnet_jax.weights.torch_files import KNOWN
  if digest in KNOWN:
    print(f'{folder}: {KNOWN[digest]}')
    return
  print(f'cemnet: warning: {path}: its sha256 {digest} is of no public file known here; it has the '
        "network's tensors, but nobody vouches for their values", file=sys.stderr)
  print(f'{folder}: written')


_KINDS = {'iplap': _iplap, 'wav2lip': _wav2lip, 'identity': _identity, 'scorers': _scorers}
