"""The scorers of pictures: nets trained for judging alone, and what they see in a video."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int16, UInt8
from ml_collections import ConfigDict

from cemnet_jax.data.schema import SYNC_FRAMES
from cemnet_jax.errors import UserError
from cemnet_jax.nets.deepface import blank_upper_half
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.preprocess.audio import syncnet_mfcc
from cemnet_jax.preprocess.crop import resize
from cemnet_jax.stages import build
from cemnet_jax.topology import SAMPLES_PER_FRAME
from cemnet_jax.train import ckpt

BATCH = 32  # frames at a time; a last batch is filled up by repeating its last frame
# Stage -> (net in its checkpoint, builder).
_NETS: dict[str, tuple[str, Callable]] = {
  'syncnet': ('syncnet', build.syncnet),
  'emotion_scorer': ('emotion_scorer', build.emotion_scorer),
  'identity_scorer': ('identity', build.identity),
  'landmark_scorer': ('landmark_scorer', build.landmark_scorer)}


class Scorer(NamedTuple):
  """A frozen net and the size in px of the pictures that it was trained on."""
  net: object
  variables: dict
  size: int


class Scorers(NamedTuple):
  """None where a scorer was not trained."""
  syncnet: Scorer | None = None
  emotion_scorer: Scorer | None = None
  identity_scorer: Scorer | None = None
  landmark_scorer: Scorer | None = None


class Seen(NamedTuple):
  """What the scorers see in the T frames of a video; None where there is no such scorer."""
  emotion: Float[np.ndarray, 'T E'] | None  # probabilities, from the whole face
  emotion_lower: Float[np.ndarray, 'T E'] | None  # from its lower half alone
  features: Float[np.ndarray, 'T D'] | None  # of the emotion scorer, whole face, for FID
  identity: Float[np.ndarray, 'T G'] | None
  landmarks: Float[np.ndarray, 'T 131 2'] | None  # in the crop
  lips: Float[np.ndarray, 'V D'] | None  # SyncNet's, of V = T - 5 blocks


def load_scorers(system_dir) -> Scorers:
  """The scorers that are trained in a system's folder."""
  found = {}
  for stage, (name, make) in _NETS.items():
    folder = Path(system_dir) / stage
    try:
      trained = ckpt.load_params(folder)
    except UserError:
      continue  # its columns read "not measured"
    config = ConfigDict(ckpt.load_config(folder))
    variables = jax.device_put({
      'params': trained['params'][name], 'batch_stats': trained['stats'].get(name, {})})
    found[stage] = Scorer(make(config.model), variables, config.data.image_size)
  return Scorers(**found)


def see(scorers: Scorers, frames: UInt8[np.ndarray, 'T H W 3']) -> Seen:
  """Everything that the scorers make of a video."""
  emotion = _every(scorers.emotion_scorer, frames, _emotion) or (None, None, None)
  identity = _every(scorers.identity_scorer, frames, _plain)
  landmarks = _every(scorers.landmark_scorer, frames, _plain)
  lips = None
  if scorers.syncnet and len(frames) > SYNC_FRAMES:
    blocks = np.arange(len(frames) - SYNC_FRAMES)[:, None] + np.arange(SYNC_FRAMES)
    lips = _every(scorers.syncnet, frames, _lips, blocks)
  return Seen(*emotion, identity, landmarks, lips)


def hear(scorers: Scorers, pcm: Int16[np.ndarray, ' S']) -> Float[np.ndarray, 'V D'] | None:
  """SyncNet's embeddings of the audio blocks; None without the scorer or for under 0.24 s."""
  if scorers.syncnet is None or len(pcm) <= SYNC_FRAMES * SAMPLES_PER_FRAME:
    return None
  return _batches(scorers.syncnet, syncnet_mfcc(pcm), _audio)


def _every(scorer, frames, function, index=None):
  if scorer is None:
    return None
  pictures = np.stack([resize(frame, scorer.size) for frame in frames])
  return _batches(scorer, pictures, function, index)


def _batches(scorer, values, function, index=None):
  """`function` of all values in batches of one shape; `index` (V, 5) gathers blocks of values."""
  rows = np.arange(len(values)) if index is None else index
  parts = []
  for start in range(0, len(rows), BATCH):
    some = np.minimum(np.arange(start, start + BATCH), len(rows) - 1)
    parts.append(jax.tree.map(
      np.asarray, function(scorer.net, scorer.variables, values[rows[some]])))
  return jax.tree.map(lambda *x: np.concatenate(x)[:len(rows)], *parts)


@partial(jax.jit, static_argnums=0)
def _plain(net, variables, images):
  return net.apply(variables, to_float(images), train=False)


@partial(jax.jit, static_argnums=0)
def _emotion(net, variables, images):
  images = to_float(images)
  features, whole = net.apply(variables, images, train=False)
  _, lower = net.apply(variables, blank_upper_half(images), train=False)
  return jax.nn.softmax(whole), jax.nn.softmax(lower), features


@partial(jax.jit, static_argnums=0)
def _lips(net, variables, frames):
  return net.apply(variables, to_float(frames), None, train=False)[0]


@partial(jax.jit, static_argnums=0)
def _audio(net, variables, mfcc):
  return net.apply(variables, None, mfcc, train=False)[1]
