"""Reference pictures of a speaker: pixels, landmarks and face boxes, from files or from arrays."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, people, sound, video
from cemnet_jax.preprocess.crop import crop_frame, iplap_boxes, stable_boxes, to_crop
from cemnet_jax.preprocess.film import Film
from cemnet_jax.preprocess.recording import Recording
from cemnet_jax.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, SAMPLES_PER_FRAME

IPLAP_PAD = 25  # px around the points in IP-LAP's published inference; 5 in its training (spec 8.3)


class References(NamedTuple):
  """n pictures of one face; `moving` when they are consecutive frames of a video at 25 fps."""
  frames: Sequence[UInt8[np.ndarray, 'H W 3']]  # sizes may differ between still pictures
  landmarks: Float[np.ndarray, 'N 131 2']  # px
  boxes: Float[np.ndarray, 'N 4']  # x0 y0 x1 y1, px
  moving: bool
  # What `moving` frames say, 16 kHz, where it is known.
  audio: Float[np.ndarray, ' S'] | Recording | None = None
  # Which of them show the face; the others stay as they are, with landmarks between. None: all.
  seen: Bool[np.ndarray, ' N'] | None = None


def from_arrays(frames: Sequence[UInt8[np.ndarray, 'H W 3']],
                landmarks: Float[np.ndarray, 'N 131 2'],
                boxes: Float[np.ndarray, 'N 4'] | None = None, moving: bool = False,
                crop: str = 'stable', audio: Float[np.ndarray, ' S'] | None = None) -> References:
  """References whose landmarks (px) are known; boxes by the rule `crop` unless given.

  'stable' is the rule of training, 'iplap' that of IP-LAP's weights (see `preprocess.crop`).

  A clip of a built dataset is cropped already: pass its crops, `landmarks * size`, and
  `whole_boxes(frames)`.
  """
  landmarks = np.asarray(landmarks, np.float32)
  if landmarks.shape != (len(frames), 131, 2) or not len(frames):
    raise UserError(f'references: {len(frames)} pictures need landmarks of shape '
                    f'({len(frames)}, 131, 2) in px, got {landmarks.shape}')
  if not np.isfinite(landmarks).all():
    raise UserError('references: landmarks hold values that are no numbers')
  if boxes is None:
    boxes = _boxes(frames, landmarks, moving, crop)
    if (boxes[:, 2:] <= boxes[:, :2]).any():
      raise UserError('references: landmarks lie outside of their picture; give them in px')
  frames = frames if isinstance(frames, Film) else list(frames)
  return References(frames, landmarks, np.asarray(boxes, np.float32), moving, audio)


def from_files(paths: Sequence, landmarker=None, max_frames: int | None = None,
               crop: str = 'stable') -> References:
  """References from pictures or from one video, faces found by MediaPipe; `crop` as above.

  Of a video, the first `max_frames` are taken; those without the face are not `seen`.
  UserError names the file that cannot be read or shows no face.
  """
  frames = open_files(paths, max_frames)
  with face.landmarker(landmarker) as detect:
    landmarks = landmarks_of(paths, frames, detect)
  return from_found(paths, frames, landmarks, crop)


def open_files(paths: Sequence, max_frames: int | None = None,
               ) -> list[UInt8[np.ndarray, 'H W 3']] | Film:
  """Pictures, or the first `max_frames` of one video, which has still to be read; UserError."""
  videos = [p for p in paths if not video.is_picture(p)]
  if videos and len(paths) > 1:
    raise UserError(f'{videos[0]}: give either pictures or one video as reference, not both')
  return Film(videos[0], max_frames) if videos else [video.read_picture(p) for p in paths]


def landmarks_of(paths: Sequence, frames: Sequence[UInt8[np.ndarray, 'H W 3']], detect: Callable,
                 ) -> Float[np.ndarray, 'N 131 2'] | face.Track:
  """Landmarks (px) in `open_files(paths)`, by `face.landmarker`; a video is read by it.

  UserError names the picture that shows no face.
  """
  if isinstance(frames, Film):
    return face.video_landmarks(frames.read(), detect)
  return np.stack([face.picture_landmarks(*of) for of in zip(frames, repeat(detect), paths)])


def from_found(paths: Sequence, frames: Sequence[UInt8[np.ndarray, 'H W 3']],
               found: Float[np.ndarray, 'N 131 2'] | face.Track, crop: str = 'stable',
               say: Callable[[str], None] = lambda line: None) -> References:
  """References of `open_files(paths)`, a video being read, with what `landmarks_of` found.

  `say` is told which frames of a video stay as they are.
  """
  if not isinstance(frames, Film):
    return from_arrays(frames, found, crop=crop)
  path, part = paths[0], people.of_one_person(frames, found)
  if part is None:
    raise UserError(f'{path}: no face found in any frame; give a video of one face from the front')
  runs, landmarks = part.runs, part.landmarks
  face.check_upright(landmarks[part.middle], path)
  boxes = np.full((len(frames), 4), np.nan, np.float32)
  for start, stop in runs:
    boxes[start:stop] = _boxes(frames[start:stop], landmarks[start:stop], True, crop)
  seen = np.isfinite(boxes).all(axis=1)
  for line in part.told:
    say(f'{path}: {line}')
  return References(
    frames, people.between(landmarks, seen), people.between(boxes, seen), True,
    _sound(path, len(frames)) if video.has_audio(path) else None, None if seen.all() else seen)


def whole_boxes(frames: Sequence[UInt8[np.ndarray, 'H W 3']]) -> Float[np.ndarray, 'N 4']:
  """The whole pictures as boxes: for frames that are face crops already."""
  return np.float32([(0, 0, f.shape[1], f.shape[0]) for f in frames])


def crop_landmarks(references: References) -> Float[np.ndarray, 'N 131 2']:
  """Landmarks in crop coordinates, [0, 1]."""
  return to_crop(references.landmarks, references.boxes)


def take(references: References, index: Int[np.ndarray, ' M']) -> References:
  """Some of the pictures, each for itself."""
  return References([references.frames[i] for i in index], references.landmarks[index],
                    references.boxes[index], False)


def part(references: References, start: int, stop: int) -> References:
  """Consecutive frames of a video, with what is said in them."""
  audio = references.audio
  return References(
    references.frames[start:stop], references.landmarks[start:stop], references.boxes[start:stop],
    references.moving,
    None if audio is None else audio[start * SAMPLES_PER_FRAME:stop * SAMPLES_PER_FRAME],
    None if references.seen is None else references.seen[start:stop])


def steady(references: References, most: int) -> References:
  """The first `most` frames of the longest run of a video that shows the face in every frame."""
  if references.seen is None:
    return part(references, 0, most)
  edges = np.flatnonzero(np.diff(np.r_[False, references.seen, False]))
  starts, stops = edges[::2], edges[1::2]
  longest = (stops - starts).argmax()
  start, stop = starts[longest], min(stops[longest], starts[longest] + most)
  return part(references, start, stop)._replace(seen=None)


def crops(references: References, size: int) -> UInt8[np.ndarray, 'N S S 3']:
  """The faces, `size` px wide and high."""
  return np.stack([crop_frame(f, b, size) for f, b in zip(references.frames, references.boxes)])


def choose(references: References, count: int, seed: int = 0, how: str = 'random'
           ) -> Int[np.ndarray, ' M']:
  """Indices of at most `count` references, in order.

  'random' draws without replacement by `seed` (the paper's protocol); 'lip_openness' sorts by
  mouth opening and takes equally spaced ranks (IP-LAP).
  """
  seen = references.seen
  index = np.arange(len(references.frames)) if seen is None else np.flatnonzero(seen)
  if len(index) <= count:
    return index
  if how == 'random':
    rng = np.random.default_rng(seed)
    return index[np.sort(rng.choice(len(index), count, replace=False))]
  if how == 'lip_openness':
    points = crop_landmarks(references)[index]
    opening = np.linalg.norm(points[:, INNER_LIP_TOP] - points[:, INNER_LIP_BOTTOM], axis=1)
    ranks = np.linspace(0, len(index) - 1, count).astype(int)
    return index[np.sort(np.argsort(opening, kind='stable')[ranks])]
  raise ValueError(f"how is 'random' or 'lip_openness', not {how!r}")


def back_and_forth(length: int, count: int) -> Int[np.ndarray, ' T']:
  """Indices 0 .. length-1 played forward, backward, forward, ... for `count` frames."""
  if length == 1:
    return np.zeros(count, np.int64)
  at = np.arange(count) % (2 * length - 2)
  return np.minimum(at, 2 * length - 2 - at)


def _sound(path, frames: int) -> Recording:
  """What is said in the first so many frames; silence where the sound ends sooner."""
  def parts():
    missing = frames * SAMPLES_PER_FRAME
    for heard in sound.iterate_audio(path, like_video=True):
      yield heard[:missing]
      missing -= len(heard[:missing])
      if not missing:
        return
    yield np.zeros(missing, np.float32)
  return Recording(parts())


def _boxes(frames, landmarks, moving, crop):
  if crop == 'iplap':
    return np.concatenate([iplap_boxes(points[None], IPLAP_PAD, frame.shape[1::-1])
                           for frame, points in zip(frames, landmarks)])
  if moving:
    return stable_boxes(landmarks)
  # Still pictures have nothing in common in time: each gets its own unsmoothed box.
  return np.concatenate([stable_boxes(points[None]) for points in landmarks])
