"""Whole pictures of synthetic clips, larger than the datasets' crops, drawn again on demand."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16, UInt8

from cemnet_jax.preprocess.synthetic.clip import film, perform
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.preprocess.synthetic.world import WORLDS, ClipKey
from cemnet_jax.topology import EMOTIONS


class Scene(NamedTuple):
  """A clip with its whole picture: what a camera saw, and landmarks in px of it."""
  frames: UInt8[np.ndarray, 'T S S 3']
  landmarks_px: Float[np.ndarray, 'T 131 2']
  audio: Int16[np.ndarray, ' S']


def draw_scene(world_name: str, clip: Mapping, size: int = 256, supersample: int = 2) -> Scene:
  """The scene that a record of `synth_mead/<world_name>` was cropped from, at `size` px.

  The picture shows the same as the record's at any size; speech and motion depend on the record's
  keys alone and are the record's own.
  """
  key = ClipKey(int(clip['speaker']), EMOTIONS[clip['emotion']], int(clip['intensity']),
                clip['sentence'])
  performance = perform(WORLDS[world_name], key)
  renderer = FaceRenderer(make_identity(key.speaker), size, supersample)
  return Scene(*film(renderer, key, performance), performance.pcm)
