"""Named arrays from files of weights: PyTorch, safetensors, npz. No reader runs a file's code."""

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from cemnet_jax.errors import UserError

WRAPPER = 'state_dict'  # where a checkpoint keeps the weights beside optimizer and clock
PARALLEL = 'module.'  # what DataParallel puts before every name
# sha256 of public files, each as several unrelated projects that check downloads record it.
KNOWN = {
  'b78b681b68ad9fe6c6fb1debc6ff43ad05834a8af8a62ffc4167b7b34ef63c37': 'wav2lip.pth of Wav2Lip',
  'ca9ab7b7b812c0e80a6e70a5977c545a1e8a365a6c49d5e533023c034d7ac3d8': 'wav2lip_gan.pth of Wav2Lip',
  '961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442':
    'syncnet_v2.model of syncnet_python',
}


def read_tensors(path: str | Path, wrapper: str = WRAPPER) -> dict[str, np.ndarray]:
  """All tensors of a .pth, .pt, .tar, .model (PyTorch), .safetensors or .npz file by name.

  A checkpoint that keeps them under `wrapper` is unwrapped; one leading `module.` is taken off.

  Raises:
    UserError: no such file, an unknown kind, a damaged file, or one that holds more than arrays.
  """
  path = Path(path)
  if not path.is_file():
    raise UserError(f'weights {path}: no such file')
  if path.suffix not in _READERS:
    raise UserError(f'weights {path}: unknown kind; give one of {", ".join(_READERS)}')
  try:
    tensors = _READERS[path.suffix](path, wrapper)
  except ImportError as error:
    raise UserError(f'weights {path}: reading it needs the package {error.name}; install it or '
                    'convert the file to .npz') from error
  except (OSError, ValueError, TypeError, KeyError, AttributeError, AssertionError, RuntimeError,
          EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
    raise UserError(f'weights {path}: cannot be read ({_reason(error)})') from error
  if not tensors:
    raise UserError(f'weights {path}: holds no tensors')
  if all(name.startswith(PARALLEL) for name in tensors):
    tensors = {name.removeprefix(PARALLEL): value for name, value in tensors.items()}
  return tensors


def file_sha256(path: str | Path) -> str:
  """The sha256 of a file's bytes, in hexadecimal digits."""
  with open(path, 'rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()


def _reason(error: Exception) -> str:
  """One line; PyTorch's own says how to run the file's code, which nobody shall be told."""
  refused = re.search(r'GLOBAL (\S+)', str(error))
  if refused:
    return f'it asks for {refused[1]}, which weights do not need; nothing of it was run'
  if 'weights_only' in str(error) or 'Weights only' in str(error):
    return 'it is damaged or holds more than weights; nothing of it was run'
  return str(error).strip().split('\n')[0] or type(error).__name__


def _read_npz(path: Path, wrapper: str) -> dict[str, np.ndarray]:
  with np.load(path, allow_pickle=False) as file:
    return dict(file)


def _read_safetensors(path: Path, wrapper: str) -> dict[str, np.ndarray]:
  try:
    return safetensors.numpy.load_file(path)
  except safetensors.SafetensorError as error:
    raise ValueError(error) from error


def _read_torch(path: Path, wrapper: str) -> dict[str, np.ndarray]:
  import torch  # optional: only this kind of file needs it
  state = torch.load(path, map_location='cpu', weights_only=True)
  if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
    state = state[wrapper]
  if not isinstance(state, Mapping):
    raise ValueError(f'it holds a {type(state).__name__}, no tensors by name')
  for name, value in state.items():
    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
      raise ValueError(f'{str(name)[:80]} is a {type(value).__name__}, not a tensor')
  return {name: _to_numpy(torch, tensor) for name, tensor in state.items()}


def _to_numpy(torch, tensor) -> np.ndarray:
  # NumPy has no bfloat16.
  return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()


_READERS = {'.pth': _read_torch, '.pt': _read_torch, '.tar': _read_torch, '.model': _read_torch,
            '.safetensors': _read_safetensors, '.npz': _read_npz}
