"""Face landmarks: MediaPipe's FaceLandmarker reduced to IP-LAP's 131 points, in picture px."""

import hashlib
import itertools
import os
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int16, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.files import cache_dir, whole
from cemnet_jax.preprocess.search import Search
from cemnet_jax.topology import (
  EYE_CORNERS,
  FPS,
  INNER_LIP_BOTTOM,
  INNER_LIP_TOP,
  MESH_IDS,
  NUM_LANDMARKS,
  POSE,
)

MODEL_URL = ('https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/'
             'float16/1/face_landmarker.task')
MODEL_SHA256 = '64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff'
MODEL_VARIABLE = 'CEMNET_LANDMARKER'  # environment variable naming the model file
MAX_FACES = 4  # candidates among which the largest face is taken
MAX_GAP = 3  # frames without a face that interpolation may bridge (0.12 s)
MAX_TILT = 40.0  # degrees; farther means that the picture lies on its side
THUMBNAIL = 16  # px
CUT = 30.0  # 8-bit levels by which thumbnails of two shots differ
MAX_JUMP = 0.6  # face widths from one frame to the next: farther means a cut or another person


def find_landmarker(path=None) -> Path:
  """The model file: `path`, else $CEMNET_LANDMARKER, else $CEMNET_CACHE or
  the cache, else downloaded once.

  UserError when a given file is missing, or when the download fails or has another sha256.
  """
  given = path or os.environ.get(MODEL_VARIABLE)
  if given:
    if not os.path.isfile(given):
      raise UserError(f'{given}: no such landmarker file; give face_landmarker.task')
    return Path(given)
  target = cache_dir() / 'face_landmarker.task'
  if not target.is_file():
    _download(target)
  return target


def _download(target: Path) -> None:
  """Fetches the model beside `target`, checks its sha256, then renames it."""
  advice = (f'download {MODEL_URL} elsewhere and give it by --landmarker or ${MODEL_VARIABLE}')
  try:
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(MODEL_URL, timeout=60) as response:
      data = response.read()
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
      raise UserError(f'{MODEL_URL}: what came has another sha256 than expected; {advice}')
    with whole(target) as beside:
      beside.write_bytes(data)
  except (URLError, OSError) as error:
    raise UserError(f'the face landmarker cannot be fetched ({error}); {advice}') from error


class Faces(NamedTuple):
  """The F faces of a picture."""
  landmarks: Float[np.ndarray, 'F 131 2']  # px
  blendshapes: list[dict[str, float]]  # of each: MediaPipe's name ('jawOpen', ...) -> [0, 1]


@contextmanager
def landmarker(path=None, tracking: bool = False):
  """Opens the model; yields `detect(rgb (H,W,3) u8) -> (faces, 131, 2) float32 px`.

  Each picture is detected by itself, so that a frame's landmarks do not lag behind its mouth; with
  `tracking` (MediaPipe's VIDEO mode) the pictures are those of one video, in order, and one face
  is followed from frame to frame and smoothed, which is faster.
  """
  with _opened(path, tracking) as find:
    yield lambda rgb: _points(find(rgb), rgb)


@contextmanager
def expressions(path=None):
  """Opens the model; yields `read(rgb (H,W,3) u8) -> Faces`, each picture by itself."""
  with _opened(path, blendshapes=True) as find:
    def read(rgb):
      found = find(rgb)
      return Faces(_points(found, rgb), [{shape.category_name: shape.score for shape in face}
                                         for face in found.face_blendshapes])
    yield read


def _points(found, rgb) -> Float[np.ndarray, 'F 131 2']:
  faces = [[(face[i].x, face[i].y) for i in MESH_IDS] for face in found.face_landmarks]
  return np.float32(faces).reshape(-1, NUM_LANDMARKS, 2) * np.float32(rgb.shape[1::-1])


@contextmanager
def _opened(path, tracking: bool = False, blendshapes: bool = False):
  """Opens the model; yields what gives MediaPipe's own result of a picture."""
  model = find_landmarker(path)
  try:
    import mediapipe as mp
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions
  except (ImportError, OSError) as error:
    raise UserError(f'mediapipe cannot be loaded ({error}); pip install mediapipe and the system '
                    'libraries libegl1 libgles2 libgl1 libglib2.0-0') from error
  modes = vision.RunningMode
  options = vision.FaceLandmarkerOptions(
    base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
    num_faces=1 if tracking else MAX_FACES,  # with more it looks for the others in every frame
    output_face_blendshapes=blendshapes,
    running_mode=modes.VIDEO if tracking else modes.IMAGE)
  clock = itertools.count(step=1000 // FPS)  # ms

  def find(rgb):
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
    return net.detect_for_video(image, next(clock)) if tracking else net.detect(image)

  try:
    with _quiet():
      net = vision.FaceLandmarker.create_from_options(options)
      find(np.zeros((64, 64, 3), np.uint8))  # the first picture makes it talk, too
  except (RuntimeError, ValueError) as error:
    raise UserError(f'{model}: not a usable face landmarker; expected face_landmarker.task'
                    ) from error
  with net:
    yield find


@contextmanager
def _quiet():
  """Hides what MediaPipe's C++ writes to stderr as it starts; no setting of it does."""
  sys.stderr.flush()
  kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
  try:
    os.dup2(nothing, 2)
    yield
  finally:
    os.dup2(kept, 2)
    os.close(kept)
    os.close(nothing)


class Track(NamedTuple):
  """One face through a video of T frames."""
  landmarks: Float[np.ndarray, 'T 131 2']  # px, NaN where it is not found
  cuts: Bool[np.ndarray, ' T']  # frames with which another shot begins


def picture_landmarks(picture: UInt8[np.ndarray, 'H W 3'], detect, name='picture'
                      ) -> Float[np.ndarray, '131 2']:
  """Landmarks of the largest face in px; UserError naming `name` when there is none upright."""
  faces = Search(detect)(picture)
  if not len(faces):
    raise UserError(f'{name}: no face found; give a picture that shows one face from the front')
  largest = faces[np.argmax(_widths(faces))]
  check_upright(largest, name)
  return largest


def check_upright(landmarks: Float[np.ndarray, '131 2'], name) -> None:
  """UserError naming `name` when the face lies on its side."""
  angle = tilt(landmarks)
  if angle > MAX_TILT:
    raise UserError(f'{name}: the face lies on its side (turned by {angle:.0f} degrees); turn the '
                    'picture upright')


def tilt(landmarks: Float[np.ndarray, '131 2']) -> float:
  """Degrees from 0 to 180 by which the line from the eyes to the lips is turned."""
  lips = landmarks[[INNER_LIP_TOP, INNER_LIP_BOTTOM]].mean(axis=0)
  across, down = lips - landmarks[EYE_CORNERS].mean(axis=0)
  return abs(float(np.degrees(np.arctan2(across, down))))


def video_landmarks(frames: Iterable[UInt8[np.ndarray, 'H W 3']], detect, tracking: bool = False,
                    ) -> Track:
  """Landmarks of one face through a video.

  Starts with the largest face and stays with the nearest one, so that two people do not mix.
  Gaps of up to MAX_GAP frames are bridged by straight lines. A face that is too small for the whole
  picture is looked for in parts of it, unless `detect` is `tracking`.
  """
  search = detect if tracking else Search(detect)
  landmarks, cuts = map(np.stack, zip(*_follow(frames, search)))
  return Track(fill_gaps(landmarks, cuts), cuts)


def load_landmarks(path, count: int) -> Float[np.ndarray, 'T 131 2']:
  """Landmarks found elsewhere: an npz whose `landmarks` has one row for each frame at 25 fps.

  (T, 131, 2) in our order or (T, 468 or 478, 2 or more) of MediaPipe's mesh, px of the raw picture,
  NaN where no face was found. T is `count` or more (the sound may end before the pictures), or one
  less (players round differently).

  Raises:
    UserError: no such file, or not such an array.
  """
  try:
    with np.load(path) as stored:
      points = np.asarray(stored['landmarks'], np.float32)
  except (OSError, ValueError, KeyError, BadZipFile) as error:
    raise UserError(f'no ready landmarks in {path} ({error})') from error
  if points.ndim == 3 and points.shape[1] in (468, 478) and points.shape[2] >= 2:
    points = points[:, MESH_IDS, :2]
  if points.shape[1:] != (NUM_LANDMARKS, 2) or len(points) < count - 1:
    raise UserError(f'{path}: landmarks of shape {points.shape}, expected ({count}, 131, 2)')
  return fill_gaps(points[:count])


def thumbnail(frame: UInt8[np.ndarray, 'H W 3']) -> Int16[np.ndarray, 'S S 3']:
  """What two frames of one shot have nearly in common, see `same_shot`."""
  return cv2.resize(frame, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.int16)


def same_shot(a: Int16[np.ndarray, 'S S 3'], b: Int16[np.ndarray, 'S S 3']) -> bool:
  """Whether two thumbnails are of one shot."""
  return bool(np.abs(a - b).mean() < CUT)


def _follow(frames, detect) -> Iterator[tuple[Float[np.ndarray, '131 2'], bool]]:
  last = before = None
  for frame in frames:
    now = thumbnail(frame)
    cut = before is not None and not same_shot(before, now)
    before, last = now, None if cut else last
    faces = detect(frame)
    if not len(faces):
      yield np.full((NUM_LANDMARKS, 2), np.nan, np.float32), cut
      continue
    best = np.argmax(_widths(faces))
    if last is not None:
      distance = np.linalg.norm(faces.mean(axis=1) - last.mean(axis=0), axis=1)
      near = np.argmin(distance)
      best = near if distance[near] < MAX_JUMP * _widths(last[None])[0] else best
    last = faces[best]
    yield last, cut


def fill_gaps(landmarks: Float[np.ndarray, 'T 131 2'], cuts: Bool[np.ndarray, ' T'] | None = None,
              max_gap: int = MAX_GAP) -> Float[np.ndarray, 'T 131 2']:
  """Bridges runs of at most `max_gap` NaN frames between found ones of one shot by straight lines.
  """
  landmarks = landmarks.copy()
  found = np.flatnonzero(np.isfinite(landmarks).all(axis=(1, 2)))
  for a, b in zip(found[:-1], found[1:]):
    if 1 < b - a <= max_gap + 1 and (cuts is None or not cuts[a + 1:b + 1].any()):
      along = (np.arange(a + 1, b) - a)[:, None, None] / (b - a)
      landmarks[a + 1:b] = (1 - along) * landmarks[a] + along * landmarks[b]
  return landmarks


def steady_runs(landmarks: Float[np.ndarray, 'T 131 2'], cuts: Bool[np.ndarray, ' T'] | None = None,
                ) -> list[tuple[int, int]]:
  """Runs [start, stop) of frames that show one face without gaps, cuts or jumps."""
  found = np.isfinite(landmarks).all(axis=(1, 2))
  runs, start = [], None
  for i, here in enumerate(found):
    jump = start is not None and here and i > start and (
      (cuts is not None and cuts[i]) or _jumps(landmarks[i - 1], landmarks[i]))
    if start is not None and (not here or jump):
      runs.append((start, i))
      start = None
    if here and start is None:
      start = i
  return runs + ([(start, len(found))] if start is not None else [])


def _jumps(before, after) -> bool:
  step = np.linalg.norm(after[POSE].mean(axis=0) - before[POSE].mean(axis=0))
  return bool(step > MAX_JUMP * _widths(before[None])[0])


def _widths(faces: Float[np.ndarray, 'F 131 2']) -> Float[np.ndarray, ' F']:
  return np.ptp(faces[:, :, 0], axis=1)
