"""One media file -> the clips that can be cut from it, kept on disk until they are assembled."""

import functools
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.files import whole
from cemnet_jax.preprocess import face, smooth, sound, video
from cemnet_jax.preprocess.audio import to_wav16
from cemnet_jax.preprocess.clip_record import make_record
from cemnet_jax.preprocess.crop import stable_boxes
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME
from tfds_builders.media.entry import Entry

FORMAT = 3  # raised when what is kept for a file changes; older files are then made anew
MIN_FRAMES = FPS  # 1 s: a shorter clip holds no window with references outside of it
MAX_FRAMES = 6 * FPS  # 6 s: longer videos are cut into clips of equal length
MIN_FACE_PX = 40  # width of the face below which lips are a few pixels
SILENCE = 1e-4  # root mean square of [-1, 1] samples below which a track holds no speech
FACE_NET_SIDE = 256  # px of MediaPipe's own face picture: a larger face gains it nothing
BUFFER_BYTES = 2**28  # frames kept between detection and cropping; longer videos are read twice
FRAMES_PER_BEAT = 25


class Settings(NamedTuple):
  """How files become clips; everything here changes what is kept for a file.

  Attributes:
    size: side of the crops in px.
    crop: 'stable' or 'iplap', see `preprocess.crop`.
    mode: 'image' detects each frame by itself, 'video' tracks; see `preprocess.face`.
    smoothing: 'none', 'savgol' or 'one_euro', see `preprocess.smooth`.
    landmarker: face_landmarker.task; '' finds or downloads it.
    landmarks: folder of ready landmarks, `<file without suffix>.npz`; '' detects them.
    audio_only: only the sound is read and clips hold no pictures.
    open_detector: replaces MediaPipe: a context manager that yields `detect(rgb)`.
  """
  size: int = 128
  crop: str = 'stable'
  mode: str = 'image'
  smoothing: str = 'none'
  landmarker: str = ''
  landmarks: str = ''
  audio_only: bool = False
  open_detector: Callable | None = None

  def describe(self) -> str:
    """The same text for the same settings, in any process."""
    detector = self.open_detector and self.open_detector.__qualname__
    return repr(self._replace(open_detector=detector))


class Outcome(NamedTuple):
  """What came of one file; `pieces` is empty and `reason` says why when it cannot be used."""
  file: str
  sha256: str
  seconds: float
  pieces: tuple[tuple[int, int], ...]  # [start, stop) in frames at 25 fps
  reason: str


class Task(NamedTuple):
  """One file to work on and where what comes of it is kept."""
  root: str
  entry: Entry
  settings: Settings
  kept: str


def kept_path(scratch, root, entry: Entry, settings: Settings) -> Path:
  """Where the clips of a file are kept: another place when the file or a setting changes."""
  stamp = []
  for name in filter(None, (entry.file, entry.audio)):
    path = Path(root) / name
    stat = path.stat() if path.is_file() else None
    stamp.append(stat and (name, stat.st_size, stat.st_mtime_ns))
  text = f'{FORMAT} {entry.file} {entry.audio} {stamp} {settings.describe()}'
  name = hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:24]
  return Path(scratch) / name[:2] / f'{name}.npz'


def process_file(task: Task, beat: Callable[[], None]) -> Outcome:
  """Makes and keeps the clips of one file, or finds them made; never raises for a bad file."""
  kept = Path(task.kept)
  if kept.is_file():
    return load_outcome(kept)
  path, digest, seconds = Path(task.root) / task.entry.file, '', 0.0
  pieces, reason, arrays = (), '', {}
  try:
    if not path.is_file():
      raise UserError(f'{path}: no such file')
    with path.open('rb') as file:
      digest = hashlib.file_digest(file, 'sha256').hexdigest()
    make = _audio_clips if task.settings.audio_only else _video_clips
    seconds, pieces, reason, arrays = make(task, path, beat)
  except (UserError, OSError, ValueError, RuntimeError, MemoryError) as error:
    text = str(error).replace(f'{path}: ', '').replace(f'{task.root}{os.sep}', '')
    reason = ' '.join(text.split()) or type(error).__name__
  outcome = Outcome(task.entry.file, digest, round(seconds, 2), pieces, reason)
  _keep(kept, outcome, arrays)
  return outcome


def keep_failure(task: Task, reason: str) -> Outcome:
  """Keeps that a file cannot be used, so that a later run does not try it again."""
  outcome = Outcome(task.entry.file, '', 0.0, (), reason)
  _keep(Path(task.kept), outcome, {})
  return outcome


def load_outcome(kept: Path) -> Outcome:
  """What came of a finished file."""
  with np.load(kept) as arrays:
    fields = json.loads(str(arrays['outcome']))
  return Outcome(**{**fields, 'pieces': tuple(map(tuple, fields['pieces']))})


def load_clip(kept: Path, number: int) -> dict[str, Any]:
  """The media fields of clip `number` of a finished file: fps, frames, landmarks, ..."""
  with np.load(kept) as arrays:
    clip = {name: arrays[f'{name}{number}'] for name in ('landmarks', 'crop_box', 'audio')}
    joined, ends = arrays[f'frames{number}'].tobytes(), np.cumsum(arrays[f'sizes{number}'])
  starts = [0, *ends[:-1]]
  frames = [joined[a:b] for a, b in zip(starts, ends, strict=True)] if len(ends) else []
  return {'fps': np.float32(FPS), 'frames': frames, **clip}


def cut(runs) -> tuple[tuple[int, int], ...]:
  """Runs [start, stop) of usable frames -> clips of MIN_FRAMES to MAX_FRAMES frames."""
  pieces = []
  for start, stop in runs:
    if stop - start >= MIN_FRAMES:
      count = -(-(stop - start) // MAX_FRAMES)
      edges = np.linspace(start, stop, count + 1).round().astype(int).tolist()
      pieces += zip(edges[:-1], edges[1:])
  return tuple(pieces)


def _keep(kept: Path, outcome: Outcome, arrays: dict) -> None:
  with whole(kept, '.npz') as beside:
    np.savez(beside, outcome=json.dumps(outcome._asdict()), **arrays)


def _sound(task: Task, path: Path) -> tuple[np.ndarray, str]:
  """Speech of a file as 16 kHz float32, and what had to be decided about it.

  That of a file of its own starts with the pictures.
  """
  own = task.entry.audio and task.entry.audio != task.entry.file
  source = Path(task.root) / task.entry.audio if own else path
  track = sound.choose_track(source)
  audio = sound.read_audio(source, not own and not task.settings.audio_only, track)
  if np.sqrt(np.mean(np.square(audio, dtype=np.float64))) < SILENCE:
    raise UserError('its sound is silent')
  return audio, track.odd and f'sound: {track.odd}'


def _audio_clips(task, path, beat):
  """The whole sound as one clip without pictures."""
  audio, odd = _sound(task, path)
  beat()
  count = len(audio) // SAMPLES_PER_FRAME
  if count < MIN_FRAMES:
    return count / FPS, (), f'lasts under {MIN_FRAMES / FPS:g} s', {}
  empty = {'frames': [], 'landmarks': np.zeros((0, 131, 2), np.float16),
           'crop_box': np.zeros((0, 4), np.float32),
           'audio': to_wav16(audio[:count * SAMPLES_PER_FRAME])}
  return count / FPS, ((0, count),), odd, _arrays(0, empty)


def _video_clips(task, path, beat):
  settings = task.settings
  audio, odd = _sound(task, path)
  audio = to_wav16(audio)
  beat()
  shrink = _shrink(task, path)
  frames = video.iterate_frames(path, shrink)
  buffer = _Buffer(islice(frames, len(audio) // SAMPLES_PER_FRAME), beat)
  if settings.landmarks:
    landmarks, cuts = _ready_landmarks(task, sum(1 for _ in buffer)), None
  else:
    with _detector(settings) as detect:
      landmarks, cuts = face.video_landmarks(buffer, detect, settings.mode == 'video')
      landmarks *= shrink
  pieces, reason = _judge(landmarks, cuts)
  landmarks = smooth.smooth(landmarks, settings.smoothing)
  frames, at, arrays = iter(buffer.frames or video.iterate_frames(path, shrink)), 0, {}
  for number, (start, stop) in enumerate(pieces):
    picked, at = islice(frames, start - at, stop - at), stop
    record = make_record(
      picked, landmarks[start:stop] / shrink,
      audio[start * SAMPLES_PER_FRAME:stop * SAMPLES_PER_FRAME],
      size=settings.size, crop=settings.crop)
    record['crop_box'] *= shrink
    arrays |= _arrays(number, record)
    beat()
  reason = '; '.join(filter(None, (reason, odd, *video.remarks(path))))
  return len(landmarks) / FPS, pieces, reason, arrays


def _shrink(task, path) -> int:
  """How many times smaller a video may be read: its first face still has the pixels it needs.

  iplap's boxes are whole pixels of the raw picture, so there it is 1.
  """
  settings = task.settings
  if settings.crop != 'stable':
    return 1
  frame = next(video.iterate_frames(path))
  if settings.landmarks:
    faces = _ready_landmarks(task, 1)
  else:
    with _detector(settings._replace(mode='image')) as detect:
      faces = detect(frame)
  if not len(faces) or not np.isfinite(faces).all():
    return 1
  x0, _, x1, _ = stable_boxes(faces[:1])[0]
  most = int((x1 - x0) / max(settings.size, FACE_NET_SIDE))
  fits = [k for k in range(2, most + 1) if not any(side % k for side in frame.shape[:2])]
  return max(fits, default=1)


class _Buffer:
  """Frames as they pass; kept in `frames` while they are few enough."""

  def __init__(self, frames, beat):
    self._source, self._beat, self.frames = frames, beat, []

  def __iter__(self):
    size = 0
    for i, frame in enumerate(self._source):
      size += frame.nbytes
      if size > BUFFER_BYTES:
        self.frames = None
      if self.frames is not None:
        self.frames.append(frame)
      if i % FRAMES_PER_BEAT == 0:
        self._beat()
      yield frame


def _arrays(number: int, record: dict) -> dict[str, np.ndarray]:
  """A record's media fields as arrays of one npz, named by the clip's number."""
  sizes = np.array([len(jpeg) for jpeg in record['frames']], np.int64)
  named = {'frames': np.frombuffer(b''.join(record['frames']), np.uint8), 'sizes': sizes,
           **{k: record[k] for k in ('landmarks', 'crop_box', 'audio')}}
  return {f'{name}{number}': value for name, value in named.items()}


def _judge(landmarks, cuts) -> tuple[tuple[tuple[int, int], ...], str]:
  """Clips to cut and, when not everything is used, why."""
  found = np.isfinite(landmarks).all(axis=(1, 2))
  if not found.any():
    return (), 'no face found'
  width = np.median(np.ptp(landmarks[found][..., 0], axis=1))
  if width < MIN_FACE_PX:
    return (), f'the face is only {width:.0f} px wide, under {MIN_FACE_PX}'
  middle = np.flatnonzero(found)[found.sum() // 2]
  if cuts is not None and face.tilt(landmarks[middle]) > face.MAX_TILT:  # not of ready ones
    return (), 'the face lies on its side'
  pieces = cut(face.steady_runs(landmarks, cuts))
  if not pieces:
    return (), f'no {MIN_FRAMES} frames in a row with one face'
  unused = len(landmarks) - sum(b - a for a, b in pieces)
  return pieces, f'{unused} frames without a steady face' if unused else ''


def _ready_landmarks(task: Task, count: int) -> np.ndarray:
  """Landmarks (count, 131, 2) in px from the folder of ready ones, NaN where there was no face."""
  path = Path(task.settings.landmarks) / Path(task.entry.file).with_suffix('.npz')
  return face.load_landmarks(path, count)


@functools.cache
def _open_detector(settings: Settings):
  """The detector of this process; loading a model takes longer than a short video."""
  context = face.landmarker(settings.landmarker or None)
  return context, context.__enter__()


@contextmanager
def _detector(settings: Settings):
  if settings.open_detector:
    with settings.open_detector() as detect:
      yield detect
  elif settings.mode == 'video':  # tracking must not see the video before
    with face.landmarker(settings.landmarker or None, tracking=True) as detect:
      yield detect
  else:
    yield _open_detector(settings)[1]
