"""ImageNet weights of VGG19 from torchvision's file, for `nets.vgg.VGG19Features`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cemnet_jax.nets.vgg import VGG19Features, layer_names
from cemnet_jax.weights.mapping import Entry, convolution, shapes_of, to_variables
from cemnet_jax.weights.torch_files import read_tensors

# Places of the convolutions up to relu5_1 in torchvision's `vgg19().features`.
FEATURE_INDEX = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
# What torchvision's file holds beyond relu5_1.
UNUSED = r'(features\.(30|32|34)|classifier\.[036])\.(weight|bias)'


def load_vgg19(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
  """The `params` of VGG19Features from a .safetensors, .npz or PyTorch (.pth, .pt) state dict.

  Names are torchvision's: features.N.weight (out, in, 3, 3) and features.N.bias. Every needed
  tensor must be there once in its shape and nothing unknown may be; else UserError.
  """
  return to_params(read_tensors(path), f'VGG19 weights {path}')


def to_params(tensors: Mapping[str, np.ndarray], where: str) -> dict[str, dict[str, np.ndarray]]:
  """torchvision's tensors -> {'conv1_1': {'kernel': (3, 3, in, out), 'bias': (out,)}, ...}."""
  shapes = shapes_of(VGG19Features(), (1, 16, 16, 3))
  return to_variables(entries(), tensors, shapes, where, ignored=UNUSED)['params']


def entries() -> list[Entry]:
  """The table of VGG19Features."""
  return [entry for name, index in zip(layer_names(), FEATURE_INDEX, strict=True)
          for entry in convolution(f'features.{index}', (name,))]
