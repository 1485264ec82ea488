"""`cemnet export`: the nets of a trained system for PyTorch, or its functions as StableHLO."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cemnet_jax
from cemnet_jax.commands.arguments import path_name
from cemnet_jax.errors import UserError
from cemnet_jax.systems import SYSTEMS, TALKERS

WAV2LIP = 'wav2lip'
STABLEHLO, ONNX, COMPACT = 'stablehlo', 'onnx', 'compact'
FORMATS = ('torch', 'safetensors', STABLEHLO, COMPACT, ONNX)
NO_ONNX = ('--format onnx: jax2onnx does not write these networks correctly; use --format torch '
           "and PyTorch's exporter on the network that loads it, or --format stablehlo")
# Of a talker: how its pictures and sketches are cut and drawn, and how many of each it takes.
SETTINGS = ('image_size', 'window', 'render_window', 'mouth_references', 'render_references',
            'crop', 'lines', 'landmark_flow')
LARGEST_DIFFERENCE = 1e-4  # between a function and its file, relative
HALVED = 2**-10  # between a weight and its half precision: of the weight, or of the least of those


class Held(NamedTuple):
  """A net of a system (an `infer.forward.Net`) and the stage that trained it."""
  net: Any
  stage: str


class System(NamedTuple):
  """What is exported of a system.

  Attributes:
    nets: {name: Held}.
    arrays: other arrays that inference needs, {name: array}.
    functions: -> {name: infer.functions.Function}.
    settings: what else must be known to use them.
  """
  nets: dict[str, Held]
  arrays: dict[str, Any]
  functions: Callable[[], dict]
  settings: dict[str, Any]


def add_arguments(parser) -> None:
  """Flags of the command."""
  add = parser.add_argument
  add('--system-dir', type=path_name, required=True, metavar='DIR',
      help='workdir of a trained system')
  add('--system', default='cemnet', choices=(*TALKERS, WAV2LIP),
      help='which system of that workdir')
  add('--format', required=True, choices=FORMATS,
      help='torch, safetensors: a file per net; stablehlo: a file per function; compact: '
           'what `cemnet generate --system-dir` takes, in half precision')
  add('--out', type=path_name, required=True, metavar='DIR',
      help='a new folder; gets the files and export.json')


def run(args) -> None:
  """Every file is read back and compared; the folder appears whole or not at all."""
  from cemnet_jax.train.ckpt import write_json
  from cemnet_jax.weights.compact import CONTENTS
  from cemnet_jax.weights.stage_folder import check_free, written_whole
  out = Path(args.out)
  check_free(out)
  _check_format(args.format)
  system = _load(Path(args.system_dir), args.system)
  with written_whole(out) as folder:
    contents = {'cemnet_jax': cemnet_jax.__version__, 'system': args.system, 'format': args.format}
    contents |= {'stages': _stages(Path(args.system_dir), system), 'settings': system.settings}
    if args.format == COMPACT:
      contents |= _write_compact(folder, Path(args.system_dir), contents['stages'])
    else:
      contents |= (_write_functions(folder, system) if args.format == STABLEHLO
                   else _write_nets(folder, system, args.format))
    write_json(folder / CONTENTS, contents)
  print(f'{out}: {CONTENTS} says what each file is')


def _check_format(name: str) -> None:
  from cemnet_jax.weights.export import SUFFIXES, check_package
  if name == ONNX:
    raise UserError(NO_ONNX)
  if name in SUFFIXES:
    check_package(name)


def _load(folder: Path, system: str) -> System:
  from cemnet_jax.infer import functions, loading, wav2lip
  from cemnet_jax.train import ckpt
  if system == WAV2LIP:
    networks = wav2lip.load(folder)
    return System({WAV2LIP: Held(networks.generator, WAV2LIP)}, {},
                  partial(functions.of_wav2lip, networks), {'image_size': networks.image_size})
  networks = loading.load(folder, system)
  nets = {'audio2mouth': Held(networks.mouth, 'audio2mouth'),
          'renderer': Held(networks.renderer, 'renderer')}
  arrays = {f'landmarks.{name}': x for name, x in networks.statistics.items()}
  if networks.bridge is not None:
    memory = next(name for name in SYSTEMS[system] if name.startswith('ebm'))
    voice = ckpt.load_config(folder / memory)['model']['emotion_stage']
    nets |= {'memory': Held(networks.bridge.memory, memory),
             'audio_emotion': Held(networks.bridge.voice, voice),
             'image_emotion': Held(networks.bridge.picture, 'image_emotion'),
             'identity': Held(networks.bridge.identity, 'identity')}
    arrays |= {f'prototypes.{name}': x for name, x in networks.bridge.prototypes.items()}
  return System(nets, arrays, partial(functions.of_talker, networks),
                {name: getattr(networks, name) for name in SETTINGS})


def _stages(folder: Path, system: System) -> dict[str, dict]:
  """Where the weights come from, as `cemnet inspect` shows it and evaluations name it."""
  from cemnet_jax.train import chain, ckpt
  found = {}
  for stage in sorted({held.stage for held in system.nets.values()}):
    found[stage] = chain.read(folder / stage).recorded()
    imported = ckpt.load_config(folder / stage).get('imported')
    found[stage] |= {'imported': imported} if imported else {}
  return found


def _write_nets(folder: Path, system: System, form: str) -> dict:
  from cemnet_jax.weights import export
  from cemnet_jax.weights.export_tables import counterpart, differs, sizes
  suffix, nets = export.SUFFIXES[form], {}
  for name, (net, stage) in system.nets.items():
    path, theirs = folder / f'{name}{suffix}', counterpart(net.module, net.variables)
    export.write_tensors(path, export.tensors_of(theirs, net.variables))
    difference = _checked(path, export.net_difference(path, theirs, net.variables), 0)
    nets[name] = _told(path, difference) | {
      'stage': stage, 'network': theirs.name, 'inputs': theirs.inputs, 'sizes': sizes(net.module),
      'differs': differs(net.module, theirs.fixed)}
  if not system.arrays:
    return {'nets': nets}
  path = folder / f'statistics{suffix}'
  export.write_tensors(path, system.arrays)
  difference = _checked(path, export.arrays_difference(path, system.arrays), 0)
  return {'nets': nets, 'statistics': _told(path, difference)}


def _write_compact(folder: Path, system_dir: Path, stages) -> dict:
  from cemnet_jax.train import ckpt
  from cemnet_jax.weights import compact
  trained = {name: (ckpt.load_params(system_dir / name), ckpt.load_config(system_dir / name))
             for name in stages}
  told, path = compact.write(folder, trained), folder / compact.WEIGHTS
  difference = _checked(path, compact.difference(path, trained), HALVED)
  print(f'{path.name}: {path.stat().st_size / 1e6:.1f} MB')
  return told | {'weights': _told(path, difference)}


def _write_functions(folder: Path, system: System) -> dict:
  from cemnet_jax.infer import stablehlo
  files = {}
  for name, function in system.functions().items():
    path = folder / f'{name}{stablehlo.SUFFIX}'
    stablehlo.write(path, function)
    difference = _checked(path, stablehlo.difference(path, function), LARGEST_DIFFERENCE)
    files[name] = _told(path, difference) | {
      'inputs': {key: list(value) for key, value in function.inputs.items()},
      'outputs': function.outputs}
  return {'functions': files, 'platforms': stablehlo.PLATFORMS}


def _checked(path: Path, difference: float, limit: float) -> float:
  if not difference <= limit:
    raise UserError(f'{path.name}: what was read back differs from the network by '
                    f'{difference:.1g}, at most {limit:g} is allowed; nothing is written')
  print(f'{path.name}: largest difference {difference:.1g}', flush=True)
  return difference


def _told(path: Path, difference: float) -> dict:
  from cemnet_jax.weights.torch_files import file_sha256
  return {'file': path.name, 'sha256': file_sha256(path), 'difference': difference}
