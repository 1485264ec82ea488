"""Where built datasets lie, and how their records are opened."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from jaxtyping import Int

from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS, NEUTRAL, UNKNOWN

SPLITS = ('train', 'val', 'test', 'test_sentence')  # the order of global clip indices
UNREADABLE = (OSError, ValueError, KeyError, IndexError, RuntimeError, DecodeError)  # if damaged

_Numbers = Int[np.ndarray, '*N'] | int


def dataset_path(data_dir, name: str) -> Path:
  """Folder of the newest complete version of dataset `name`, say `synth_mead/mead_debug`.

  Raises:
    UserError: there is none; the line says where it was expected and how to build it.
  """
  parent = Path(data_dir) / name
  versions = [p for p in parent.glob('*.*.*')
              if re.fullmatch(r'\d+\.\d+\.\d+', p.name) and (p / 'dataset_info.json').is_file()]
  if versions:
    return max(versions, key=lambda p: tuple(map(int, p.name.split('.'))))
  part = f'no complete dataset {name} in {parent}: '
  if name.startswith(('synth_mead/', 'pairs/')):
    size = re.split('[_-]', name)[-1]
    raise UserError(f'{part}build it with `cemnet prepare synth --size {size} --data {data_dir}`')
  raise UserError(f'{part}build it with `cemnet prepare`, or correct data.dataset')


def load_records(path: Path):
  """The tfds builder of a dataset's folder; its `as_data_source` reads without TensorFlow."""
  try:
    return tfds.builder_from_directory(path)
  except (OSError, ValueError, KeyError, ParseError) as error:
    reason = str(error).splitlines()[0]
    raise UserError(f'dataset in {path} cannot be read ({reason}): '
                    'remove the folder and build it again') from error


def emotion_reader(info) -> Callable[[_Numbers, _Numbers], _Numbers]:
  """(stored emotions, intensities) -> indices into `topology.LABELS`, of a clips dataset's info.

  Builds of before had no label `unknown`, and said `neutral` at intensity 0 in its place.
  """
  invented = (tuple(info.features['emotion'].names) == EMOTIONS
              and (info.metadata or {}).get('files_without_emotion_label'))
  if not invented:
    return lambda emotion, intensity: emotion
  return lambda emotion, intensity: np.where(
    (np.asarray(emotion) == NEUTRAL) & (np.asarray(intensity) == 0), UNKNOWN, emotion)[()]
