"""References + speech -> a talking video: the whole inference chain (spec 8.4)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from cemnet_jax.errors import UserError
from cemnet_jax.infer import forward, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.references import References
from cemnet_jax.infer.video import TalkingVideo
from cemnet_jax.nets.landmark_frame import Similarity
from cemnet_jax.preprocess import video
from cemnet_jax.preprocess.audio import mel_windows, mfcc_windows
from cemnet_jax.preprocess.crop import crop_frame
from cemnet_jax.topology import CONTENT, POSE, SAMPLES_PER_FRAME

MOUTH_BATCH = 32  # windows through Audio2Mouth and the memory at a time
RENDER_BATCH = 8  # frames through the renderer at a time


class Options(NamedTuple):
  """What may be chosen for one video."""
  emotion: str = 'auto'  # heard in the speech, or one of topology.EMOTIONS
  seed: int = 0  # of the choice among more references than the nets take
  memory: bool = True  # False: Audio2Mouth alone, without the Emotion Bridging Memory
  choice: str = 'random'  # or 'lip_openness', see references.choose
  smooth: float = 0.0  # sigma in frames of a low-pass over the mouth landmarks; 0 is off
  progress: bool = False


DEFAULTS = Options()


class Motion(NamedTuple):
  """Emotion-agnostic mouths of the W windows of T frames in a video."""
  points: Float[np.ndarray, 'W T 57 2']  # standardised
  windows: Int[np.ndarray, 'W T']  # frames of each
  frame: Similarity  # of the face in each frame


class Plan(NamedTuple):
  """Everything about a video but its pixels: T frames, S = 640 T samples."""
  canvas: References  # the pictures that are made to speak
  shown: Int[np.ndarray, 'T']  # which of them each frame shows
  chosen: References  # the references the nets look at
  landmarks: Float[np.ndarray, 'T 131 2']  # in the crop: predicted mouth, the canvas's pose
  audio: Float[np.ndarray, 'S']


class Talker:
  """A trained system that makes faces speak; holds nothing that changes.

  talker = Talker.load('work/cemnet')
  clip = talker.speak(['portrait.png'], 'speech.wav')
  clip.save('talk.mp4')
  """

  def __init__(self, networks: forward.Networks):
    self._nets = networks

  @classmethod
  def load(cls, system_dir, system: str = 'cemnet') -> 'Talker':
    """Loads the workdir of a trained system; UserError names what is missing."""
    return cls(forward.load(system_dir, system))

  @property
  def crop(self) -> str:
    """The rule of the face boxes that the nets know, for `as_references`."""
    return self._nets.crop

  def speak(self, references, audio, emotion: str = 'auto', seed: int = 0, *, canvas=None,
            landmarker=None, **options) -> TalkingVideo:
    """A video of the references saying `audio`.

    Args:
      references: picture files, one video file, or a `References` (landmarks known).
      audio: a file, or samples (S,) at 16 kHz in [-1, 1].
      emotion: 'auto' takes it from the speech; or one of topology.EMOTIONS.
      seed: chooses among more references than the nets take.
      canvas: what shall speak, when it is not the references: its pose, eyes and upper face stay.
      landmarker: face_landmarker.task for files, see preprocess.face.find_landmarker.
      **options: the other fields of `Options`.
    """
    options = Options(emotion, seed, **options)
    audio = load_audio(audio)
    length = -(-len(audio) // SAMPLES_PER_FRAME)
    find = partial(as_references, landmarker=landmarker, max_frames=length, crop=self.crop)
    references = find(references)
    canvas = references if canvas is None else find(canvas)
    plan = self.plan(references, audio, canvas, options)
    frames = np.stack(list(self.frames(plan, options.progress)))
    return TalkingVideo(frames, plan.audio, plan.landmarks)

  def motion(self, references: References, audio: Float[np.ndarray, 'S'], canvas: References,
             options: Options = DEFAULTS) -> Motion:
    """What Audio2Mouth makes of them, before any emotion: windows of all frames at stride 1."""
    chosen = self._choose(references, options)
    audio, shown = _timeline(audio, canvas)
    pose = refs.crop_landmarks(canvas)[shown][:, POSE].astype(np.float32)
    width = self._nets.window
    pose = np.pad(pose, ((0, max(0, width - len(pose))), (0, 0), (0, 0)), mode='edge')
    tokens = forward.frame_tokens(self._nets, mel_windows(audio, 0, len(pose)), pose)
    # As many reference tokens as in training, however few pictures there are.
    known = refs.crop_landmarks(chosen)[
      np.arange(self._nets.mouth_references) % len(chosen.frames)].astype(np.float32)
    known = forward.reference_tokens(self._nets, known)
    windows = np.arange(len(pose) - width + 1)[:, None] + np.arange(width)
    parts = []
    for some in _batches(windows):
      batch = jax.tree.map(partial(np.take, indices=some, axis=0), tokens)
      parts.append(np.asarray(forward.motions(self._nets, known, batch)))
    return Motion(np.concatenate(parts)[:len(windows)], windows, tokens.frame)

  def plan(self, references: References, audio: Float[np.ndarray, 'S'],
           canvas: References | None = None, options: Options = DEFAULTS,
           motion: Motion | None = None) -> Plan:
    """Mouth landmarks of every frame; a video canvas is played forward and backward as needed.

    `motion` is that of the same arguments when it is known, from a talker with the same
    Audio2Mouth.
    """
    canvas = references if canvas is None else canvas
    if options.memory and self._nets.bridge is None:
      raise UserError('this system has no Emotion Bridging Memory; choose memory=False '
                      '(--no-memory)')
    motion = self.motion(references, audio, canvas, options) if motion is None else motion
    audio, shown = _timeline(audio, canvas)
    chosen = self._choose(references, options, least=self._nets.render_references)
    landmarks = refs.crop_landmarks(canvas)[shown].astype(np.float32)
    cues = self._cues(chosen, audio, options) if options.memory else None
    mouth = self._mouth(motion, len(shown), cues)
    if options.smooth > 0:
      mouth = gaussian_filter1d(mouth, options.smooth, axis=0, mode='nearest')
    landmarks[:, CONTENT] = mouth
    return Plan(canvas, shown, chosen, landmarks, audio)

  def slot_weights(self, references: References, audio: Float[np.ndarray, 'S'],
                   canvas: References, options: Options = DEFAULTS) -> Float[np.ndarray, 'T K']:
    """How much of each of the memory's slots every frame of that video reads (Eq. 11).

    Raises:
      UserError: this system has no slots.
    """
    bridge = self._nets.bridge
    if bridge is None or not bridge.memory.module.use_memory:
      raise UserError('this system has no Emotion Bridging Memory, so it has no slots')
    motion = self.motion(references, audio, canvas, options)
    audio, shown = _timeline(audio, canvas)
    cues = self._cues(self._choose(references, options), audio, options)
    weights = lambda some: forward.slot_weights(self._nets, motion.points[some], cues)
    return _per_frame(motion, weights)[:len(shown)]

  def frames(self, plan: Plan, progress: bool = False) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """Full frames in order, rendered in batches: memory does not grow with the speech."""
    size, count = self._nets.image_size, len(plan.shown)
    encoded = self._encode(plan.chosen)
    known = refs.crop_landmarks(plan.canvas)
    starts = range(0, count, RENDER_BATCH)
    for start in tqdm(starts, desc='frames', unit='batch', disable=not progress):
      ids = np.minimum(np.arange(start, start + RENDER_BATCH), count - 1)
      crops = np.stack([crop_frame(plan.canvas.frames[i], plan.canvas.boxes[i], size)
                        for i in plan.shown[ids]])
      sketches = self._sketch_windows(plan, start)
      mel = mel_windows(plan.audio, start, ids[-1] - start + 1)
      mel = mel[np.minimum(np.arange(RENDER_BATCH), len(mel) - 1)]
      faces = np.asarray(forward.render(self._nets, crops, sketches, encoded, mel))
      for k in range(min(RENDER_BATCH, count - start)):
        i = plan.shown[start + k]
        mask = paste.lower_face_mask(known[i], plan.landmarks[start + k], size)
        face = paste.match_colour(faces[k], crops[k], known[i])
        yield paste.paste(plan.canvas.frames[i], plan.canvas.boxes[i], face, mask)

  def _cues(self, chosen: References, audio, options: Options) -> forward.Cues:
    bridge = self._nets.bridge
    emotion = (forward.speech_emotion(bridge, mfcc_windows(audio)) if options.emotion == 'auto'
               else forward.label_emotion(bridge, options.emotion))
    return forward.Cues(emotion, *forward.picture_cues(bridge, _crops(chosen, bridge.image_size)))

  def _choose(self, references: References, options: Options, least: int = 0) -> References:
    """As many references as Audio2Mouth takes, or `least` if that is more."""
    count = max(self._nets.mouth_references, least)
    index = refs.choose(references, count, options.seed, options.choice)
    return References([references.frames[i] for i in index], references.landmarks[index],
                      references.boxes[index], False)

  def _mouth(self, motion: Motion, count, cues) -> Float[np.ndarray, 'T 57 2']:
    def mouths(some):
      frame = jax.tree.map(partial(np.take, indices=motion.windows[some], axis=0), motion.frame)
      return forward.mouths(self._nets, motion.points[some], frame, cues)
    return _per_frame(motion, mouths)[:count]

  def _encode(self, chosen: References):
    """The renderer's references, as many as in training if there are so many."""
    count = min(self._nets.render_references, len(chosen.frames))
    pick = np.linspace(0, len(chosen.frames) - 1, count).round().astype(int)
    images = _crops(chosen, self._nets.image_size)[pick]
    sketches = forward.sketches(
      self._nets, refs.crop_landmarks(chosen)[pick], chosen.boxes[pick])
    return forward.encode_references(self._nets, images, sketches)

  def _sketch_windows(self, plan: Plan, start) -> UInt8[np.ndarray, 'B T S S']:
    """Sketches of the T frames around each frame of a batch; the ends are repeated."""
    reach = self._nets.window // 2
    at = np.clip(np.arange(start - reach, start + RENDER_BATCH + reach), 0, len(plan.shown) - 1)
    drawn = forward.sketches(self._nets, plan.landmarks[at], plan.canvas.boxes[plan.shown[at]])
    return drawn[np.arange(RENDER_BATCH)[:, None] + np.arange(self._nets.window)]


def _per_frame(motion: Motion, predict) -> Float[np.ndarray, 'T ...']:
  """What `predict` says of windows (B, T, ...); a frame's overlapping predictions are averaged."""
  count = len(motion.windows)
  values = np.concatenate([np.asarray(predict(some)) for some in _batches(np.arange(count))])
  length = motion.windows.max() + 1
  total = np.zeros((length, *values.shape[2:]))
  np.add.at(total, motion.windows, values[:count])
  times = np.bincount(motion.windows.ravel(), minlength=length)
  return (total / times.reshape(-1, *[1] * (total.ndim - 1))).astype(np.float32)


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
  """Rows in batches of one size; the last is filled up with its last row."""
  for start in range(0, len(rows), MOUTH_BATCH):
    some = rows[start:start + MOUTH_BATCH]
    yield some[np.minimum(np.arange(MOUTH_BATCH), len(some) - 1)]


def _timeline(audio, canvas: References) -> tuple[np.ndarray, np.ndarray]:
  """Samples of whole frames, and which picture of the canvas each of these frames shows."""
  count = -(-len(audio) // SAMPLES_PER_FRAME)
  length = len(canvas.frames) if canvas.moving else 1
  audio = np.pad(audio, (0, count * SAMPLES_PER_FRAME - len(audio)))
  return audio, refs.back_and_forth(length, count)


def load_audio(audio) -> Float[np.ndarray, 'S']:
  """Speech at 16 kHz from a file or from samples; UserError when there is none."""
  if isinstance(audio, (str, Path)):
    return video.read_audio(audio)
  audio = np.asarray(audio)
  if audio.ndim != 1 or audio.dtype.kind != 'f' or not np.isfinite(audio).all():
    raise UserError('audio: expected a file or finite float samples (S,) at 16 kHz')
  if len(audio) < video.MIN_SECONDS * 16000:
    raise UserError(f'audio: lasts under {video.MIN_SECONDS} s; give longer speech')
  return audio.astype(np.float32)


def as_references(references, landmarker=None, max_frames: int | None = None,
                  crop: str = 'stable') -> References:
  """`references` itself, or what is found in one file or several, with boxes by the rule `crop`."""
  if isinstance(references, References):
    return references
  paths = [references] if isinstance(references, (str, Path)) else list(references)
  if not paths:
    raise UserError('references: give at least one picture or a video')
  return refs.from_files(paths, landmarker, max_frames, crop)


def _crops(references: References, size: int) -> UInt8[np.ndarray, 'N S S 3']:
  return np.stack([crop_frame(f, b, size) for f, b in zip(references.frames, references.boxes)])
