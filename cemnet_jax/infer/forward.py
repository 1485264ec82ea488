"""The nets of a system and their jitted calls: array shapes are fixed per video."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.infer import traced
from cemnet_jax.infer.compiled import compiled
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.landmark_frame import Similarity
from cemnet_jax.nets.renderer import References
from cemnet_jax.nets.warp import grid_displacement, grid_sample
from cemnet_jax.preprocess.audio import MfccWindows
from cemnet_jax.preprocess.sketch import draw_sketches, iplap_sketch
from cemnet_jax.topology import EMOTIONS

EMOTION_BATCH = 32  # speech windows encoded at a time
SHARE_POWER = 16  # of the references' weights, so that few pictures mix: a mean of many is blurred
FRAME_BATCH = 32  # frames of which Audio2Mouth's tokens are made at a time


class Net(NamedTuple):
  """A network and its weights."""
  module: Any
  variables: dict


class Bridge(NamedTuple):
  """What the Emotion Bridging Memory needs."""
  memory: Net
  voice: Net  # target emotion of the speech: E_e, or without AEE a classifier's logits
  picture: Net  # emotion of the references
  identity: Net
  prototypes: dict  # sum (E, D) and count (E,) of E_e per emotion over the training speech
  image_size: int


class Networks(NamedTuple):
  """All nets of a system; `bridge` is None for a system without a memory stage."""
  mouth: Net
  statistics: dict
  bridge: Bridge | None
  renderer: Net
  image_size: int
  mouth_references: int  # N of Audio2Mouth's training
  render_references: int  # N of the renderer's training
  window: int  # T of Audio2Mouth and the memory
  crop: str = 'stable'  # the rule of the face boxes, see infer.references
  lines: str = 'smooth'  # of the sketches: one of preprocess.sketch.LINES
  landmark_flow: bool = False  # the renderer warps by the landmarks' flow, not by its own
  per_utterance: bool = False  # Audio2Mouth hears mel that `nets.pipeline.per_utterance` made
  render_window: int = 5  # T of the renderer


@traced.storable
class FrameTokens(NamedTuple):
  """Audio2Mouth's tokens of frames (..., D) and the faces' own frames in the crop."""
  audio: Float[np.ndarray, '*T D']
  pose: Float[np.ndarray, '*T D']
  frame: Similarity


@traced.storable
class Cues(NamedTuple):
  """Conditions of the memory that stay the same through a video, each (1, D)."""
  audio_emotion: Float[Array, '1 D']
  image_emotion: Float[Array, '1 F']
  identity: Float[Array, '1 G']


@traced.storable
class Painting(NamedTuple):
  """What the renderer says of B frames, in crops of its own size, colours in [0, 1]."""
  image: Float[Array, 'B S S 3']  # the face
  warped: Float[Array, 'B S S 3']  # the references, warped and mixed by `share`
  displacement: Float[Array, 'B N S S 2']  # from each pixel to its source (x, y), in crop sides
  share: Float[Array, 'B N S S']  # of each reference, together 1
  face: Float[Array, 'B S S']  # how much of what is warped to a pixel is face


for _kind in (Similarity, References):
  traced.storable(_kind)


def speech_emotion(bridge: Bridge, mfcc: Float[np.ndarray, 'T 28 12'] | MfccWindows
                   ) -> Float[Array, '1 D']:
  """Mean E_e over all windows of an utterance of any length."""
  return utterance_emotion(bridge.voice, mfcc)


def utterance_emotion(voice: Net, mfcc: Float[np.ndarray, 'T 28 12'] | MfccWindows
                      ) -> Float[Array, '1 D']:
  """`speech_emotion` by an emotion encoder alone."""
  total = 0.0
  for start in range(0, len(mfcc), EMOTION_BATCH):
    part = mfcc[start:start + EMOTION_BATCH]
    count = len(part)
    padded = np.pad(part, ((0, EMOTION_BATCH - count), (0, 0), (0, 0)))
    total += count * _utterance_emotion(voice.module, voice.variables, padded[None],
                                        np.float32([count]))
    jax.block_until_ready(total)  # so that no batches queue up in the device's memory
  return total / len(mfcc)


def label_emotion(bridge: Bridge, label: str) -> Float[Array, '1 D']:
  """Mean E_e of the training speech with that emotion; UserError for an unknown label."""
  if label not in EMOTIONS:
    raise UserError(f'emotion {label!r} is none of auto, {", ".join(EMOTIONS)}')
  i = EMOTIONS.index(label)
  count = float(bridge.prototypes['count'][i])
  if not count:
    raise UserError(f'emotion {label}: this system was trained on no speech with it; use auto')
  return jnp.asarray(bridge.prototypes['sum'][i] / count)[None]


def shown_emotion(bridge: Bridge, images: UInt8[np.ndarray, 'N H W 3']) -> Float[Array, '1 D']:
  """What a speech would sound like, in E_e, with the emotions that the reference crops show.

  A mean of `label_emotion` by how likely each is; what no training speech had is left out.
  """
  likely = np.asarray(_picture_emotion(bridge, images[None])[1])[0]
  count = np.asarray(bridge.prototypes['count'])
  mean = np.asarray(bridge.prototypes['sum']) / np.maximum(count, 1)[:, None]
  weight = likely * (count > 0)
  return jnp.asarray(weight @ mean / max(float(weight.sum()), 1e-6), jnp.float32)[None]


def picture_cues(bridge: Bridge, images: UInt8[np.ndarray, '*B N H W 3']
                 ) -> tuple[Float[Array, 'B F'], Float[Array, 'B G']]:
  """Emotion and identity of the reference crops: of one video, B = 1, or of B of them."""
  images = images.reshape((-1, *images.shape[-4:]))
  return (_picture_emotion(bridge, images)[0],
          _reference_identity(bridge.identity.module, bridge.identity.variables, images))


def frame_tokens(nets: Networks, mel: Float[np.ndarray, 'T 80 16'],
                 pose: Float[np.ndarray, 'T 74 2'],
                 mel_statistics: Float[np.ndarray, '2 80'] | None = None) -> FrameTokens:
  """What Audio2Mouth knows of each frame by itself, in batches of one shape.

  `mel_statistics` of the whole speech (`preprocess.audio`) where `nets.per_utterance`.
  """
  parts = []
  for start in range(0, len(mel), FRAME_BATCH):
    some = np.minimum(np.arange(start, start + FRAME_BATCH), len(mel) - 1)
    out = _frame_tokens(nets.mouth.module, nets.mouth.variables, nets.statistics, mel[some][None],
                        pose[some][None],
                        None if mel_statistics is None else mel_statistics[None])
    parts.append(jax.tree.map(lambda x: np.asarray(x)[0], out))
  whole = jax.tree.map(lambda *x: np.concatenate(x)[:len(mel)], *parts)
  return FrameTokens(*whole)


def reference_tokens(nets: Networks, references: Float[np.ndarray, '*B N 131 2']
                     ) -> Float[Array, 'B N D']:
  """What Audio2Mouth knows of the references: of one video, B = 1, or of B of them."""
  return _reference_tokens(nets.mouth.module, nets.mouth.variables, nets.statistics,
                           references.reshape((-1, *references.shape[-3:])))


def motions(nets: Networks, references: Float[Array, 'V N D'], windows: FrameTokens,
            ) -> Float[Array, 'B T 57 2']:
  """Standardised emotion-agnostic mouth motion of B windows (Eq. 1-2).

  `windows` holds the tokens of B windows: (B, T, ...) in every field; `references` are those of
  all of them, V = 1, or of each, V = B. So are the cues of `mouths`.
  """
  return _motions(nets.mouth.module, nets.mouth.variables, references, windows.audio,
                  windows.pose)


def mouths(nets: Networks, motion: Float[Array, 'B T 57 2'], frame: Similarity,
           cues: Cues | None) -> Float[Array, 'B T 57 2']:
  """Mouth landmarks in the crop, through the memory when `cues` are given (Eq. 11, 13)."""
  memory = nets.bridge.memory if cues is not None else Net(None, None)
  return _mouths(memory.module, memory.variables, nets.statistics, motion, frame, cues)


def slot_weights(nets: Networks, motion: Float[Array, 'B T 57 2'], cues: Cues
                 ) -> Float[Array, 'B T K']:
  """How much of each slot the memory reads for these motions (Eq. 11)."""
  return _slot_weights(nets.bridge.memory.module, nets.bridge.memory.variables, motion, cues)


def sketches(nets: Networks, landmarks: Float[np.ndarray, 'T 131 2'],
             boxes: Float[np.ndarray, 'T 4']) -> UInt8[np.ndarray, 'T H W']:
  """Sketches of landmarks in crops of these boxes (px), as the renderer knows them."""
  if nets.lines == 'iplap':
    return np.stack([iplap_sketch(points, nets.image_size, box)
                     for points, box in zip(landmarks, boxes, strict=True)])
  return draw_sketches(landmarks, nets.image_size, nets.lines == 'filled')


def encode_references(nets: Networks, images: UInt8[np.ndarray, 'N H W 3'],
                      sketches: UInt8[np.ndarray, 'N H W']):
  """The renderer's view of the references, computed once per video."""
  return _encode(nets.renderer.module, nets.renderer.variables, images[None], sketches[None])


def render(nets: Networks, crops: UInt8[np.ndarray, 'B H W 3'],
           sketches: UInt8[np.ndarray, 'B T H W'], references,
           mel: Float[np.ndarray, 'B 80 16'],
           correspondence: Float[np.ndarray, 'B N H W 3'] | None = None,
           ) -> UInt8[Array, 'B H W 3']:
  """Faces with the mouth of the sketches; only the upper half of `crops` is seen (Eq. 16).

  `correspondence` of the landmarks where `nets.landmark_flow`.
  """
  return _render(nets.renderer.module, nets.renderer.variables, crops, sketches, references, mel,
                 correspondence)


def paint(nets: Networks, crops: UInt8[np.ndarray, 'B H W 3'],
          sketches: UInt8[np.ndarray, 'B T H W'], references, mel: Float[np.ndarray, 'B 80 16'],
          faces: Float[np.ndarray, 'N H W'],
          correspondence: Float[np.ndarray, 'B N H W 3'] | None = None) -> Painting:
  """As `render`, with where its pixels come from.

  Args:
    faces: how much of each of the references' pixels is face, in [0, 1].
  """
  return _paint(nets.renderer.module, nets.renderer.variables, crops, sketches, references, mel,
                faces, correspondence)


def _picture_emotion(bridge, images):
  return _reference_emotion(bridge.picture.module, bridge.picture.variables, images)


@compiled
def _utterance_emotion(net, variables, mfcc, count):
  return pipeline.utterance_emotion(net, variables, mfcc, count)


@compiled
def _reference_emotion(net, variables, images):
  return pipeline.shown_emotion(net, variables, images)


@compiled
def _reference_identity(net, variables, images):
  return pipeline.reference_identity(net, variables, images)


@compiled
def _frame_tokens(net, variables, statistics, mel, pose, mel_statistics):
  if mel_statistics is not None:
    mel = pipeline.per_utterance(mel, mel_statistics)
  return pipeline.frame_tokens(net, variables, statistics, mel, pose)


@compiled
def _reference_tokens(net, variables, statistics, references):
  return pipeline.reference_tokens(net, variables, statistics, references)


@compiled
def _motions(net, variables, references, audio, pose):
  references = jnp.broadcast_to(references, (audio.shape[0],) + references.shape[1:])
  return net.apply(variables, references, audio, pose, method=net.fuse)


@compiled
def _mouths(memory, variables, statistics, motion, frame, cues):
  if memory is not None:
    motion = pipeline.bridge(memory, variables, motion, *_for_all(cues, motion))
  return pipeline.mouth_in_crop(motion, frame, statistics)


@compiled
def _slot_weights(memory, variables, motion, cues):
  return pipeline.slot_weights(memory, variables, motion, *_for_all(cues, motion))


def _for_all(cues, motion):
  return [jnp.broadcast_to(x, (motion.shape[0],) + x.shape[1:]) for x in cues]


@compiled
def _encode(net, variables, images, sketches):
  return net.apply(variables, pipeline.to_float(images), pipeline.to_float(sketches), train=False,
                   method=net.encode_references)


@partial(compiled, often=True)
def _render(net, variables, crops, sketches, references, mel, correspondence):
  image = _layers(net, variables, crops, sketches, references, mel, correspondence).image
  return jnp.round(image.clip(0, 1) * 255).astype(jnp.uint8)


@partial(compiled, often=True)
def _paint(net, variables, crops, sketches, references, mel, faces, correspondence):
  drawn = _layers(net, variables, crops, sketches, references, mel, correspondence)
  b, n, height, width, _ = drawn.grid.shape
  share = shares(drawn.weight)
  known = jnp.concatenate([references.images[0], faces[..., None]], -1)  # N H W 4
  grid = drawn.grid.reshape(b * n, height, width, 2)
  moved = grid_sample(jnp.broadcast_to(known, (b, *known.shape)).reshape(b * n, *known.shape[1:]),
                      grid).reshape(b, n, height, width, 4)
  mixed = (share * moved).sum(1)
  return Painting(drawn.image.clip(0, 1), mixed[..., :3],
                  grid_displacement(grid).reshape(drawn.grid.shape), share[..., 0], mixed[..., 3])


def shares(weight: Float[Array, 'B N H W 1']) -> Float[Array, 'B N H W 1']:
  """The references' weights to the power `SHARE_POWER`, together 1 however small they are."""
  largest = weight.max(1, keepdims=True)
  power = jnp.where(largest > 0, weight / jnp.where(largest > 0, largest, 1), 1) ** SHARE_POWER
  return power / power.sum(1, keepdims=True)


def _layers(net, variables, crops, sketches, references, mel, correspondence):
  known = jnp.arange(crops.shape[1])[:, None, None] < crops.shape[1] // 2
  masked = jnp.where(known, pipeline.to_float(crops), 0.0)
  return net.apply(variables, masked, pipeline.to_float(sketches), references, mel, correspondence,
                   train=False, method=net.layers)
