"""What inference computes per batch, as functions of arrays alone: what a server needs to run."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.infer import forward, wav2lip
from cemnet_jax.infer.forward import Bridge, Cues, FrameTokens, Networks
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.landmark_frame import Similarity

FLOAT, BYTE = 'float32', 'uint8'
# Sizes that stand for the letters where one is needed: frames, references, windows of a batch.
SOME = {'T': 6, 'N': 3, 'B': 2}


class Input(NamedTuple):
  """Type and shape of an input; a letter of `SOME` in the shape stands for any size."""
  dtype: str
  shape: tuple[int | str, ...]


class Function(NamedTuple):
  """A call of inference.

  Attributes:
    call: arrays -> tuple of arrays; can be traced, and holds its weights as constants.
    inputs: of `call`, by name in order.
    outputs: names.
  """
  call: Callable[..., tuple]
  inputs: dict[str, Input]
  outputs: tuple[str, ...]


def of_talker(nets: Networks) -> dict[str, Function]:
  """The functions that make a video with `nets`; without a memory, those that it needs are missing.

  `frame_tokens` and `motions` are for T frames and for windows of them, `reference_tokens`,
  `encode_references` and `reference_cues` run once per video, `render` paints B frames.
  """
  window, dim = nets.window, nets.mouth.module.dim
  found = {
    'frame_tokens': _function(
      partial(_frame_tokens, nets),
      {'mel': Input(FLOAT, ('T', 80, 16)), 'pose': Input(FLOAT, ('T', 74, 2))}
      | ({'mel_statistics': Input(FLOAT, (2, 80))} if nets.per_utterance else {}),
      'audio', 'pose', 'scale_rot', 'centre'),
    'reference_tokens': _function(
      partial(forward.reference_tokens, nets), {'references': Input(FLOAT, ('N', 131, 2))},
      'references'),
    'motions': _function(
      lambda known, audio, pose: forward.motions(nets, known, FrameTokens(audio, pose, None)),
      {'references': Input(FLOAT, (1, 'N', dim)), 'audio': Input(FLOAT, ('B', window, dim)),
       'pose': Input(FLOAT, ('B', window, dim))}, 'motion'),
    'mouths': _mouths(nets)}
  if nets.bridge is not None:
    found |= _of_bridge(nets.bridge)
  return found | _of_renderer(nets)


def of_wav2lip(nets: wav2lip.Networks) -> dict[str, Function]:
  """The one function of Wav2Lip, which draws B frames."""
  pictures = Input(BYTE, ('B', nets.image_size, nets.image_size, 3))
  return {'draw': _function(
    partial(wav2lip.draw, nets),
    {'crops': pictures, 'references': pictures, 'mel': Input(FLOAT, ('B', 80, 16))}, 'crops')}


def some_inputs(function: Function, seed: int = 0) -> list[np.ndarray]:
  """Random arrays of its inputs' types and shapes, by the sizes in `SOME`; floats in [0, 1]."""
  rng = np.random.default_rng(seed)
  draw = {FLOAT: lambda shape: rng.random(shape, np.float32),
          BYTE: lambda shape: rng.integers(0, 256, shape, np.uint8)}
  return [draw[dtype](tuple(SOME.get(n, n) for n in shape))
          for dtype, shape in function.inputs.values()]


def _function(call, inputs, *outputs) -> Function:
  return Function(lambda *arrays: tuple(jax.tree.leaves(call(*arrays))), inputs, outputs)


def _frame_tokens(nets, mel, pose, mel_statistics=None):
  if mel_statistics is not None:
    mel = pipeline.per_utterance(mel[None], mel_statistics[None])[0]
  tokens = pipeline.frame_tokens(*nets.mouth, nets.statistics, mel[None], pose[None])
  return jax.tree.map(lambda x: x[0], tokens)


def _mouths(nets) -> Function:
  window = nets.window
  inputs = {'motion': Input(FLOAT, ('B', window, 57, 2)),
            'scale_rot': Input(FLOAT, ('B', window, 2)), 'centre': Input(FLOAT, ('B', window, 2))}

  def call(motion, scale_rot, centre, *cues):
    frame = Similarity(scale_rot, centre)
    return forward.mouths(nets, motion, frame, Cues(*cues) if cues else None)

  if nets.bridge is not None:
    inputs |= {name: Input(FLOAT, shape) for name, shape in _cue_shapes(nets.bridge).items()}
  return _function(call, inputs, 'mouth')


def _of_bridge(bridge: Bridge) -> dict[str, Function]:
  size = bridge.image_size
  return {
    'speech_emotion': _function(
      lambda mfcc: pipeline.utterance_emotion(*bridge.voice, mfcc[None]),
      {'mfcc': Input(FLOAT, ('T', 28, 12))}, 'audio_emotion'),
    'reference_cues': _function(
      partial(forward.picture_cues, bridge), {'images': Input(BYTE, ('N', size, size, 3))},
      'image_emotion', 'identity')}


def _cue_shapes(bridge: Bridge) -> dict[str, tuple[int, ...]]:
  size = bridge.image_size
  emotion, identity = jax.eval_shape(
    partial(forward.picture_cues, bridge), _shaped(BYTE, 1, size, size, 3))
  return {'audio_emotion': (1, bridge.voice.module.dim), 'image_emotion': emotion.shape,
          'identity': identity.shape}


def _of_renderer(nets: Networks) -> dict[str, Function]:
  size = nets.image_size
  images, sketches = ('N', size, size, 3), ('N', size, size)
  encode = partial(forward.encode_references, nets)
  known = jax.eval_shape(encode, _shaped(BYTE, 1, *images[1:]), _shaped(BYTE, 1, *sketches[1:]))

  def render(crops, sketches, mel, *others):
    correspondence, others = (others[0], others[1:]) if nets.landmark_flow else (None, others)
    return forward.render(nets, crops, sketches, type(known)(*others), mel, correspondence)

  encoded = {name: Input(FLOAT, (1, 'N', *x.shape[2:])) for name, x in known._asdict().items()}
  return {
    'encode_references': _function(
      encode, {'images': Input(BYTE, images), 'sketches': Input(BYTE, sketches)}, *encoded),
    'render': _function(
      render, {'crops': Input(BYTE, ('B', size, size, 3)),
               'sketches': Input(BYTE, ('B', nets.render_window, size, size)),
               'mel': Input(FLOAT, ('B', 80, 16))}
      | ({'correspondence': Input(FLOAT, ('B', 'N', size, size, 3))} if nets.landmark_flow else {})
      | encoded, 'crops')}


def _shaped(dtype: str, *shape: int) -> Any:
  return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype))
