"""DeepFace's expression CNN (facial_expression_model_weights.h5), for `nets.deepface`.

It tells seven emotions in the order of `metrics.emotion_recognition.DEEPFACE`, contempt not among
them; its pictures are gray, in [0, 1].
"""

from pathlib import Path
from typing import Any

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.nets.deepface import INPUT_SIZE, DeepFaceEmotion
from cemnet_jax.weights.mapping import SAME, Entry, Turn, convolution, shapes_of, to_variables

Tree = Any
CLASSES = 7


def entries(turn: Turn = SAME) -> list[Entry]:
  """Tensors conv_0 ... conv_4, dense_0 ... dense_2 and our leaves; Keras's axes are ours."""
  names = [f'conv_{i}' for i in range(5)] + [f'dense_{i}' for i in range(3)]
  return [entry for name in names for entry in convolution(name, (name,), turn=turn)]


def load_deepface(path: str | Path) -> tuple[DeepFaceEmotion, dict[str, Tree]]:
  """The net of seven classes and its variables; UserError where the file holds others."""
  net = DeepFaceEmotion(classes=CLASSES)
  shapes = shapes_of(net, (1, INPUT_SIZE, INPUT_SIZE, 3), train=False)
  return net, to_variables(entries(), read_keras(path), shapes, str(path))


def read_keras(path: str | Path) -> dict[str, np.ndarray]:
  """Tensors of a Keras .h5 file of weights, as conv_0.weight, conv_0.bias, ..., dense_0.weight.

  Keras numbers its layers anew in every session, so they are named by their order in the file.

  Raises:
    UserError: no such file, a damaged or another file, or h5py is not installed.
  """
  path = Path(path)
  if not path.is_file():
    raise UserError(f'weights {path}: no such file')
  try:
    import h5py  # optional: only this file needs it
  except ImportError as error:
    raise UserError(f'weights {path}: reading it needs the package h5py; install it') from error
  try:
    with h5py.File(path) as file:
      layers = _layers(file.get('model_weights', file))
  except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
    raise UserError(f'weights {path}: cannot be read as Keras weights ({error})') from error
  tensors, counts = {}, {'conv': 0, 'dense': 0}
  for kernel, bias in layers:
    kind = 'conv' if kernel.ndim == 4 else 'dense'
    name = f'{kind}_{counts[kind]}'
    counts[kind] += 1
    tensors |= {f'{name}.weight': kernel, f'{name}.bias': bias}
  return tensors


def _layers(root) -> list[tuple[np.ndarray, np.ndarray]]:
  """(kernel, bias) of every layer that has weights, in Keras's order."""
  layers = []
  for name in root.attrs['layer_names']:
    group = root[name]
    weights = [group[weight][()] for weight in group.attrs['weight_names']]
    if weights:
      kernel, bias = weights
      layers.append((kernel, bias))
  return layers
