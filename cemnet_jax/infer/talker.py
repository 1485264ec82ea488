"""References + speech -> a talking video: the whole inference chain (spec 8.4)."""

from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.infer import calibration, forward, loading
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.calibration import Calibration
from cemnet_jax.infer.painter import Batch, Painter
from cemnet_jax.infer.progress import with_bar
from cemnet_jax.infer.references import References
from cemnet_jax.infer.rows import Rows, average_overlaps, smooth
from cemnet_jax.infer.video import TalkingVideo
from cemnet_jax.nets.landmark_frame import Similarity
from cemnet_jax.preprocess import sound
from cemnet_jax.preprocess.audio import MfccWindows, mel_statistics, mel_windows
from cemnet_jax.preprocess.recording import Recording
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
  calibrate: bool = True  # take off the constant error on this person, see infer.calibration
  resolution: str = 'native'  # of the mouth: the picture's own, or 'net': the renderer's, enlarged
  progress: bool = False


DEFAULTS = Options()


class Motion(NamedTuple):
  """Emotion-agnostic mouths of the W windows of T frames in a video."""
  points: Float[np.ndarray, 'W T 57 2']  # standardised
  windows: Int[np.ndarray, 'W T']  # frames of each
  frame: Similarity  # of the face in each frame of each window


class Shot(NamedTuple):
  """What a video of T frames and S = 640 T samples is made of."""
  canvas: References  # the pictures that are made to speak
  shown: Int[np.ndarray, ' T']  # which of them each frame shows
  chosen: References  # the references the nets look at
  audio: Float[np.ndarray, ' S'] | Recording


class Plan(NamedTuple):
  """Everything about a video but its pixels."""
  shot: Shot
  landmarks: Float[np.ndarray, 'T 131 2']  # in the crop: predicted mouth, the canvas's pose


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
    return cls(loading.load(system_dir, system))

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
    frames = np.stack(list(self.frames(plan, options)))
    return TalkingVideo(frames, plan.shot.audio, plan.landmarks)

  def stream(self, references: References, audio: Float[np.ndarray, ' S'] | Recording,
             canvas: References | None = None, options: Options = DEFAULTS,
             ) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """The frames of `plan` and `frames`, each made when it is asked for.

    Memory does not grow with the speech if that is a `Recording`.
    """
    shot, landmarks = self._landmarks(references, audio, canvas, options)
    return self._draw(shot, landmarks, options)

  def motion(self, references: References, audio: Float[np.ndarray, ' S'], canvas: References,
             options: Options = DEFAULTS) -> Motion:
    """What Audio2Mouth makes of them, before any emotion: windows of all frames at stride 1."""
    parts = self._motions(self._choose(references, options), *_timeline(audio, canvas), canvas)
    return jax.tree.map(lambda *x: np.concatenate(x), *parts)

  def hear(self, audio: Float[np.ndarray, ' S'] | Recording) -> Float[Array, '1 D']:
    """The emotion of a whole speech, as the memory is told it.

    Raises:
      UserError: this system has no memory that listens.
    """
    if self._nets.bridge is None:
      raise UserError('this system has no Emotion Bridging Memory, so it hears no emotion')
    return forward.speech_emotion(self._nets.bridge, MfccWindows(_whole_frames(audio)))

  def plan(self, references: References, audio: Float[np.ndarray, ' S'],
           canvas: References | None = None, options: Options = DEFAULTS,
           motion: Motion | None = None, heard: Float[Array, '1 D'] | None = None) -> Plan:
    """Mouth landmarks of every frame; a video canvas is played forward and backward as needed.

    `motion` and `heard` are what `motion` and `hear` tell of the same arguments when that is known,
    from a talker with the same Audio2Mouth and the same ear.
    """
    shot, landmarks = self._landmarks(references, audio, canvas, options, motion, heard)
    return Plan(shot, np.concatenate(list(landmarks)))

  def slot_weights(self, references: References, audio: Float[np.ndarray, ' S'],
                   canvas: References, options: Options = DEFAULTS) -> Float[np.ndarray, 'T K']:
    """How much of each of the memory's slots every frame of that video reads (Eq. 11).

    Raises:
      UserError: this system has no slots.
    """
    bridge = self._nets.bridge
    if bridge is None or not bridge.memory.module.use_memory:
      raise UserError('this system has no Emotion Bridging Memory, so it has no slots')
    chosen, (audio, shown) = self._choose(references, options), _timeline(audio, canvas)
    cues = self._cues(chosen, audio, options)
    weights = lambda part: forward.slot_weights(self._nets, part.points, cues)
    parts = _by_window(self._motions(chosen, audio, shown, canvas), weights)
    return np.concatenate(list(average_overlaps(parts, len(shown))))

  def frames(self, plan: Plan, options: Options = DEFAULTS,
             ) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """Full frames in order, rendered in batches when they are asked for."""
    return self._draw(plan.shot, [plan.landmarks], options)

  def _landmarks(self, references, audio, canvas, options, motion=None, heard=None,
                 ) -> tuple[Shot, Iterator[Float[np.ndarray, 'N 131 2']]]:
    """What `plan` tells, its landmarks in parts."""
    if options.memory and self._nets.bridge is None:
      raise UserError('this system has no Emotion Bridging Memory; choose memory=False '
                      '(--no-memory)')
    canvas = references if canvas is None else canvas
    audio, shown = _timeline(audio, canvas)
    chosen = self._choose(references, options, least=self._nets.render_references)
    cues = self._cues(chosen, audio, options, heard) if options.memory else None
    motions = (self._motions(self._choose(references, options), audio, shown, canvas)
               if motion is None else _in_batches(motion))
    mouths = average_overlaps(_by_window(motions, lambda part: forward.mouths(
      self._nets, part.points, part.frame, cues)), len(shown))
    if options.smooth > 0:
      mouths = smooth(mouths, len(shown), options.smooth)
    landmarks = _with_pose(mouths, canvas, shown)
    if options.calibrate:
      landmarks = _corrected(landmarks, self.calibration(references, options), canvas, shown)
    return Shot(canvas, shown, chosen, audio), landmarks

  def calibration(self, references: References, options: Options = DEFAULTS) -> Calibration:
    """The system's constant error on the references: a video is asked for what it says itself,
    pictures for silence with the emotion that they show."""
    plain = options._replace(calibrate=False, emotion='auto', smooth=0.0)
    if references.moving and references.audio is not None:
      some = refs.steady(references, calibration.FRAMES)
      plan = self.plan(some, some.audio, options=plain)
      return calibration.measure(plan.landmarks, refs.crop_landmarks(some)[plan.shot.shown])
    bridge = self._nets.bridge
    silence = np.zeros(self._nets.window * SAMPLES_PER_FRAME, np.float32)
    chosen = self._choose(references, plain, least=self._nets.render_references)
    shown = (forward.shown_emotion(bridge, refs.crops(chosen, bridge.image_size))
             if plain.memory else None)
    known = refs.crop_landmarks(chosen).astype(np.float32)
    predicted = [self.plan(references, silence, refs.take(chosen, [i]), plain, heard=shown
                           ).landmarks[:1] for i in range(len(known))]
    return calibration.measure(np.concatenate(predicted), known, lips=False)

  def _motions(self, chosen: References, audio, shown, canvas: References) -> Iterator[Motion]:
    """`motion`, MOUTH_BATCH windows at a time."""
    width = self._nets.window
    count = max(len(shown), width)
    # As many reference tokens as in training, however few pictures there are.
    known = refs.crop_landmarks(chosen)[
      np.arange(self._nets.mouth_references) % len(chosen.frames)].astype(np.float32)
    known = forward.reference_tokens(self._nets, known)
    tokens = Rows(self._frame_tokens(audio, shown, canvas, count))
    for start in range(0, count - width + 1, MOUTH_BATCH):
      stop = min(start + MOUTH_BATCH, count - width + 1)
      windows = np.arange(start, stop)[:, None] + np.arange(width)
      of_windows = tokens.take(windows)
      points = forward.motions(self._nets, known, _filled(of_windows))
      yield Motion(np.asarray(points)[:stop - start], windows, of_windows.frame)

  def _frame_tokens(self, audio, shown, canvas: References, count) -> Iterator[forward.FrameTokens]:
    """Audio2Mouth's tokens of `count` frames, of which the last is repeated if there are fewer."""
    pose = refs.crop_landmarks(canvas)[:, POSE].astype(np.float32)
    heard = mel_statistics(audio) if self._nets.per_utterance else None
    for start in range(0, count, forward.FRAME_BATCH):
      stop = min(start + forward.FRAME_BATCH, count)
      at = shown[np.minimum(np.arange(start, stop), len(shown) - 1)]
      mel = mel_windows(audio, start, stop - start)
      yield forward.frame_tokens(self._nets, mel, pose[at], heard)

  def _draw(self, shot: Shot, landmarks, options: Options) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """Full frames with these landmarks, which come in parts."""
    count, reach, canvas = len(shot.shown), self._nets.render_window // 2, shot.canvas
    side = float(np.median((canvas.boxes[:, 2:] - canvas.boxes[:, :2]).max(axis=1)))
    painter = Painter(self._nets, self._painted(shot.chosen), side, options.resolution)
    known, rows = refs.crop_landmarks(canvas), Rows(landmarks)
    starts = range(0, count, RENDER_BATCH)

    def batches() -> Iterator[Batch]:
      for start in starts:
        ids = np.minimum(np.arange(start, start + RENDER_BATCH), count - 1)
        at = shot.shown[ids]
        around = np.clip(np.arange(start - reach, start + RENDER_BATCH + reach), 0, count - 1)
        points = rows.take(around)
        mel = mel_windows(shot.audio, start, ids[-1] - start + 1)
        mel = mel[np.minimum(np.arange(RENDER_BATCH), len(mel) - 1)]
        sketches = self._sketch_windows(points, canvas.boxes[shot.shown[around]])
        wanted = points[reach:reach + min(RENDER_BATCH, count - start)]
        yield Batch([canvas.frames[i] for i in at], canvas.boxes[at], known[at], wanted, sketches,
                    mel, None if canvas.seen is None else canvas.seen[at])

    return with_bar(painter.paint(batches()), count, options.progress)

  def _cues(self, chosen: References, audio, options: Options, heard=None) -> forward.Cues:
    bridge = self._nets.bridge
    if options.emotion != 'auto':
      heard = forward.label_emotion(bridge, options.emotion)
    elif heard is None:
      heard = self.hear(audio)
    return forward.Cues(heard, *forward.picture_cues(bridge, refs.crops(chosen, bridge.image_size)))

  def _choose(self, references: References, options: Options, least: int = 0) -> References:
    """As many references as Audio2Mouth takes, or `least` if that is more."""
    count = max(self._nets.mouth_references, least)
    return refs.take(references, refs.choose(references, count, options.seed, options.choice))

  def _painted(self, chosen: References) -> References:
    """The renderer's references, as many as in training if there are so many."""
    count = min(self._nets.render_references, len(chosen.frames))
    return refs.take(chosen, np.linspace(0, len(chosen.frames) - 1, count).round().astype(int))

  def _sketch_windows(self, points, boxes) -> UInt8[np.ndarray, 'B T S S']:
    """Sketches of the T frames around each frame of a batch, from those of all these frames."""
    drawn = forward.sketches(self._nets, points, boxes)
    return drawn[np.arange(RENDER_BATCH)[:, None] + np.arange(self._nets.render_window)]


def _by_window(motions, predict) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """(windows, values) of each part; `predict` gets the part filled up to a batch."""
  for part in motions:
    yield part.windows, np.asarray(predict(_filled(part)))[:len(part.windows)]


def _with_pose(mouths, canvas: References, shown) -> Iterator[Float[np.ndarray, 'N 131 2']]:
  """Landmarks of the canvas with these mouths in place of its own."""
  known, start = refs.crop_landmarks(canvas).astype(np.float32), 0
  for mouth in mouths:
    landmarks = known[shown[start:start + len(mouth)]]
    landmarks[:, CONTENT] = mouth
    start += len(mouth)
    yield landmarks


def _corrected(landmarks, error: Calibration, canvas: References, shown,
               ) -> Iterator[Float[np.ndarray, 'N 131 2']]:
  """Landmarks, which come in parts, without the system's constant error."""
  known, start = refs.crop_landmarks(canvas).astype(np.float32), 0
  for part in landmarks:
    yield calibration.apply(error, part, known[shown[start:start + len(part)]])
    start += len(part)


def _in_batches(motion: Motion) -> Iterator[Motion]:
  for start in range(0, len(motion.windows), MOUTH_BATCH):
    yield jax.tree.map(itemgetter(slice(start, start + MOUTH_BATCH)), motion)


def _filled(rows):
  """The rows of a full batch, whose shapes are always the same: the last row is repeated."""
  return jax.tree.map(lambda x: x[np.minimum(np.arange(MOUTH_BATCH), len(x) - 1)], rows)


def _timeline(audio, canvas: References) -> tuple[np.ndarray, np.ndarray]:
  """Samples of whole frames, and which picture of the canvas each of these frames shows."""
  audio = _whole_frames(audio)
  length = len(canvas.frames) if canvas.moving else 1
  return audio, refs.back_and_forth(length, len(audio) // SAMPLES_PER_FRAME)


def _whole_frames(audio):
  missing = -len(audio) % SAMPLES_PER_FRAME
  return np.pad(audio, (0, missing)) if missing else audio


def load_audio(audio) -> Float[np.ndarray, ' S']:
  """Speech at 16 kHz from a file or from samples; UserError when there is none."""
  if isinstance(audio, (str, Path)):
    return sound.read_audio(audio)
  audio = np.asarray(audio)
  if audio.ndim != 1 or audio.dtype.kind != 'f' or not np.isfinite(audio).all():
    raise UserError('audio: expected a file or finite float samples (S,) at 16 kHz')
  if len(audio) < sound.MIN_SECONDS * 16000:
    raise UserError(f'audio: lasts under {sound.MIN_SECONDS} s; give longer speech')
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
