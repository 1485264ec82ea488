"""ImageNet weights of VGG19 from torchvision's file, for `nets.vgg.VGG19Features`."""

import pathlib
import pickle
import re
import zipfile
from collections.abc import Mapping

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.nets.vgg import BLOCKS, layer_names

# Places of the convolutions up to relu5_1 in torchvision's `vgg19().features`.
FEATURE_INDEX = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
# What torchvision's file holds beyond relu5_1.
UNUSED = re.compile(r'(features\.(30|32|34)|classifier\.[036])\.(weight|bias)')


def load_vgg19(path: str | pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
  """The `params` of VGG19Features from a .safetensors, .npz or PyTorch (.pth, .pt) state dict.

  Names are torchvision's: features.N.weight (out, in, 3, 3) and features.N.bias. Every needed
  tensor must be there once in its shape and nothing unknown may be; else UserError.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f'VGG19 weights {path}: no such file; give torchvision\'s vgg19 state dict')
  return to_params(_read(path), str(path))


def to_params(tensors: Mapping[str, np.ndarray], where: str) -> dict[str, dict[str, np.ndarray]]:
  """torchvision's tensors -> {'conv1_1': {'kernel': (3, 3, in, out), 'bias': (out,)}, ...}."""
  rest = dict(tensors)
  params, channels_in = {}, 3
  channels = [size for count, size in BLOCKS for _ in range(count)]
  for name, index, size in zip(layer_names(), FEATURE_INDEX, channels, strict=True):
    weight = _take(rest, f'features.{index}.weight', (size, channels_in, 3, 3), where)
    bias = _take(rest, f'features.{index}.bias', (size,), where)
    params[name] = {'kernel': weight.transpose(2, 3, 1, 0), 'bias': bias}  # OIHW -> HWIO
    channels_in = size
  unknown = sorted(name for name in rest if not UNUSED.fullmatch(name))
  if unknown:
    raise UserError(f'{where}: unexpected tensor {unknown[0]} (of {len(unknown)}); '
                    'give torchvision\'s vgg19 state dict')
  return params


def _take(rest: dict[str, np.ndarray], name: str, shape: tuple[int, ...],
          where: str) -> np.ndarray:
  if name not in rest:
    raise UserError(f'{where}: tensor {name} is missing; give torchvision\'s vgg19 state dict')
  tensor = np.asarray(rest.pop(name))
  if tensor.shape != shape:
    raise UserError(f'{where}: tensor {name} has shape {tensor.shape}, VGG19 needs {shape}')
  if not np.isfinite(tensor).all():
    raise UserError(f'{where}: tensor {name} holds values that are not finite; download it again')
  return tensor.astype(np.float32)


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
  """All tensors of the file; no reader here runs code from it."""
  readers = {'.npz': _read_npz, '.safetensors': _read_safetensors, '.pth': _read_torch,
             '.pt': _read_torch}
  if path.suffix not in readers:
    raise UserError(f'VGG19 weights {path}: unknown kind; give .safetensors, .npz or .pth')
  try:
    return readers[path.suffix](path)
  except ImportError as error:
    raise UserError(f'VGG19 weights {path}: reading it needs the package {error.name}; install '
                    'it or convert the file to .npz') from error
  except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError,
          zipfile.BadZipFile) as error:
    reason = str(error).strip().split('\n')[0]
    raise UserError(f'VGG19 weights {path}: cannot be read ({reason})') from error


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
  with np.load(path, allow_pickle=False) as file:
    return dict(file)


def _read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
  import safetensors.numpy  # optional: only this kind of file needs it
  try:
    return safetensors.numpy.load_file(path)
  except safetensors.SafetensorError as error:
    raise ValueError(error) from error


def _read_torch(path: pathlib.Path) -> dict[str, np.ndarray]:
  import torch  # optional: only this kind of file needs it
  state = torch.load(path, map_location='cpu', weights_only=True)
  return {name: tensor.numpy() for name, tensor in state.items()}
