"""A talking system with random weights, and a synthetic speaker for it to animate."""

import wave
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.speed.inputs import config, drawn
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.forward import Bridge, Net, Networks
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.stable_frame import align
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.preprocess.synthetic.sentences import SENTENCES
from cemnet_jax.preprocess.synthetic.speech import speak
from cemnet_jax.preprocess.synthetic.voices import make_voice
from cemnet_jax.stages import build
from cemnet_jax.topology import EMOTIONS, SAMPLE_RATE, SAMPLES_PER_FRAME
from cemnet_jax.weights.mapping import shapes_of

SPEAKERS = 8  # no net of the system depends on their number
SPEAKER, EMOTION, INTENSITY = 3, 'happy', 3
TEXT = SENTENCES[0][1]
DEVIATION = 0.05  # of aligned landmarks, in widths of the face


class Scene(NamedTuple):
  """A synthetic speaker: T frames, landmarks in px, T x 640 samples."""
  frames: np.ndarray  # (T, S, S, 3) uint8
  landmarks: np.ndarray  # (T, 131, 2)
  audio: np.ndarray  # (S,) float32

  def references(self, moving: bool = True) -> refs.References:
    """The frames as one video."""
    return refs.from_arrays(list(self.frames), self.landmarks, moving=moving)


def scene(size: int, seconds: float) -> Scene:
  """So many seconds of a face of `size` px; a short take is played back and forth."""
  speech = speak(make_voice(SPEAKER), TEXT, EMOTION, INTENSITY, (0,))
  take = len(speech.pcm) // SAMPLES_PER_FRAME
  identity = make_identity(SPEAKER)
  motion = motion_tracks(speech.phones, take, EMOTION, INTENSITY, identity, (0,))
  frames, landmarks = FaceRenderer(identity, size, 1).frames(motion)
  count = round(seconds * SAMPLE_RATE / SAMPLES_PER_FRAME)
  shown = refs.back_and_forth(take, count)
  audio = np.resize(load_wav16(speech.pcm), count * SAMPLES_PER_FRAME)
  return Scene(frames[shown], landmarks[shown], audio)


def write_speech(path: Path, minutes: float) -> None:
  """A wav file of repeated speech, written a second at a time."""
  second = speak(make_voice(SPEAKER), TEXT, EMOTION, INTENSITY, (0,)).pcm[:SAMPLE_RATE]
  with wave.open(str(path), 'wb') as file:
    file.setparams((1, 2, SAMPLE_RATE, 0, 'NONE', ''))
    for _ in range(round(60 * minutes)):
      file.writeframes(second.astype('<i2').tobytes())


def networks(preset: str, image_size: int, speaker: refs.References) -> Networks:
  """All nets of the system cemnet at a preset's widths, for crops of `image_size` px (0: its own).

  The renderer is IP-LAP's (warp and output as in its public weights), which has a counterpart.
  """
  cfg = {name: config(name, preset, SPEAKERS)
         for name in ('audio2mouth', 'aee', 'image_emotion', 'identity', 'ebm', 'renderer')}
  render = cfg['renderer']
  render.model.update(dict(quirk=True, skip=False))
  render.data.landmark_flow = False
  size, count, window = image_size or render.data.image_size, render.data.N, render.data.T
  model = {name: c.model for name, c in cfg.items()}
  face = cfg['ebm'].data.image_size
  pictures = (1, face, face, 3)
  mouths = cfg['audio2mouth'].data.N
  aligned = align(refs.crop_landmarks(speaker).astype(np.float64)).mean(0)
  classes = len(EMOTIONS)
  motion = (1, window, 114)
  cues = [(1, model['aee'].dim), (1, 8 * model['image_emotion'].width), (1, model['identity'].dim)]
  bridge = Bridge(
    memory=_net(build.memory(model['ebm']), motion, *cues, motion),
    voice=_net(build.audio_encoder(model['aee']), (1, 28, 12)),
    picture=_net(build.image_emotion(model['image_emotion']), pictures),
    identity=_net(build.identity(model['identity']), pictures),
    prototypes={'sum': np.zeros((classes, cues[0][1])), 'count': np.zeros(classes)},
    image_size=face)
  return Networks(
    mouth=_net(build.audio2mouth(model['audio2mouth']), (1, window, 80, 16), (1, window, 74, 2),
               (1, mouths, 131, 2)),
    statistics={'mean': aligned.astype(np.float32),
                'std': np.full(aligned.shape, DEVIATION, np.float32)},
    bridge=bridge,
    renderer=_net(build.renderer(render.model), (1, size, size, 3), (1, window, size, size),
                  (1, count, size, size, 3), (1, count, size, size), (1, 80, 16)),
    image_size=size, mouth_references=mouths, render_references=count, window=window,
    per_utterance=model['audio2mouth'].per_utterance, render_window=window)


def _net(module, *shapes: tuple[int, ...]) -> Net:
  variables = drawn(shapes_of(module, *shapes, train=False))
  return Net(module, {'batch_stats': {}} | jax.tree.map(jnp.asarray, dict(variables)))
