"""One clip's record -> what is wrong with it, one line for each check.

Records are dicts as tfds reads them: numpy arrays, numbers, texts as bytes, frames as a list.
"""

import re
from collections.abc import Mapping

import numpy as np

from cemnet_jax.data.source import TEXTS
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import (
  FPS,
  INNER_LIP_BOTTOM,
  INNER_LIP_TOP,
  LEFT_EYE,
  LIPS,
  MESH_IDS,
  NUM_LANDMARKS,
  RIGHT_EYE,
  SAMPLES_PER_FRAME,
  UNKNOWN,
)

NUMBERS = {'speaker_index': np.integer, 'emotion': np.integer, 'intensity': np.integer,
           'fps': np.floating}
POINTS = (np.float16, (NUM_LANDMARKS, 2))
ARRAYS = {'landmarks': POINTS, 'crop_box': (np.float32, (4,)), 'audio': (np.int16, ())}
OPTIONAL = {'neutral_landmarks': POINTS}
MAX_INTENSITY = 3

INSIDE, INSIDE_SHARE = (-0.5, 1.5), 0.95  # where most landmarks lie, in crops
MIN_FACE_WIDTH = 0.2  # crops
MAX_JUMP = 0.3  # crops between neighbouring frames
LIP_NOISE = 0.02  # crops by which the inner lips of a closed mouth may cross
SILENCE = 3  # standard deviation of int16 samples below which nobody speaks: -81 dB
LOUDEST, MAX_CLIPPED = 32767, 0.01  # a sample at the limit; share of such that is distortion
_OUTER_LIP_TOP, _OUTER_LIP_BOTTOM = (int(np.flatnonzero(MESH_IDS == i)[0]) for i in (0, 17))


def record_problems(record: Mapping, audio_only: bool = False) -> list[str]:
  """What is wrong with one clip, one line for each check that fails; empty when all is well.

  Content is judged only where the form is right: fields, dtypes, shapes, T frames everywhere.

  Args:
    record: of the features of `tfds_builders.clip_schema`.
    audio_only: the dataset holds sound without pictures, so T = 0 is right.
  """
  found = _fields(record) or _lengths(record, audio_only)
  if found:
    return found
  checks = [_labels, _audio] + ([] if audio_only else [_frames, _landmarks, _boxes])
  return [line for check in checks for line in check(record)]


def crop_size(record: Mapping) -> tuple[int, int] | None:
  """Height and width of the first picture in px; None without one."""
  return decode_jpeg(record['frames'][0]).shape[:2] if record['frames'] else None


def _fields(record):
  known = {*TEXTS, *NUMBERS, *ARRAYS, 'frames'}
  found = [f'has no field {name}' for name in sorted(known - record.keys())]
  found += [f'has the unknown field {name}'
            for name in sorted(record.keys() - known - OPTIONAL.keys())]
  found += [f'{name} is {type(record[name]).__name__}, expected bytes' for name in TEXTS
            if name in record and not isinstance(record[name], bytes)]
  for name, kind in NUMBERS.items():
    if name in record and not np.issubdtype(np.asarray(record[name]).dtype, kind):
      found.append(f'{name} is {type(record[name]).__name__}, expected {kind.__name__}')
  for name, (dtype, shape) in {**ARRAYS, **OPTIONAL}.items():
    if name in record:
      array = np.asarray(record[name])
      if array.dtype != dtype:
        found.append(f'{name} are {array.dtype}, expected {np.dtype(dtype)}')
      if array.ndim != 1 + len(shape) or array.shape[1:] != shape:
        expected = ', '.join(['T', *map(str, shape)])
        found.append(f'{name} have the shape {array.shape}, expected ({expected})')
  if not all(isinstance(frame, bytes) for frame in record.get('frames', ())):
    found.append('frames are no byte strings')
  return found


def _lengths(record, audio_only):
  frames, samples = len(record['frames']), len(record['audio'])
  counts = {name: len(record[name]) for name in ('landmarks', 'crop_box', *OPTIONAL)
            if name in record}
  found = [f'{count} {name} for {frames} frames' for name, count in counts.items()
           if count != frames]
  if audio_only:
    if frames:
      found.append(f'{frames} frames, while the metadata say that there is only sound')
    if not samples or samples % SAMPLES_PER_FRAME:
      found.append(f'{samples} audio samples are no multiple of {SAMPLES_PER_FRAME}')
  elif not frames:
    found.append('holds no frames')
  elif samples != frames * SAMPLES_PER_FRAME:
    found.append(f'{samples} audio samples for {frames} frames, expected '
                 f'{frames * SAMPLES_PER_FRAME}')
  return found


def _labels(record):
  found = [f'{name} is empty' for name in ('id', 'speaker', 'sentence') if not record[name]]
  for name, last in (('emotion', UNKNOWN), ('intensity', MAX_INTENSITY)):
    if not 0 <= record[name] <= last:
      found.append(f'{name} is {record[name]}, expected 0 to {last}')
  if record['fps'] != FPS:
    found.append(f'fps is {record["fps"]:g}, expected {FPS}')
  if not re.fullmatch(rb'[0-9a-f]{64}', record['sha256']):
    found.append('sha256 is not 64 hexadecimal digits')
  return found


def _frames(record):
  whole = np.array([f[:2] == b'\xff\xd8' and f[-2:] == b'\xff\xd9' for f in record['frames']])
  if not whole.all():
    return _where(~whole, 'is no whole JPEG picture')
  try:
    pictures = [decode_jpeg(frame) for frame in record['frames']]
  except ValueError as error:
    return [f'a frame cannot be decoded ({error})']
  height, width = pictures[0].shape[:2]
  return [
    *_where(np.array([p.shape[0] != p.shape[1] for p in pictures]), 'is not square'),
    *_where(np.array([p.shape[:2] != (height, width) for p in pictures]),
            f'has not the {height} x {width} px of the first'),
    *_where(np.array([p.min() == p.max() for p in pictures]), 'is blank')]


def _landmarks(record):
  found = []
  for name in (n for n in ('landmarks', *OPTIONAL) if n in record):
    finite = np.isfinite(record[name]).all(axis=(1, 2))
    found += _where(~finite, f'{name} are not finite')
  if found:
    return found
  points = record['landmarks'].astype(np.float32)
  x, y = points[..., 0], points[..., 1]
  inside = ((points >= INSIDE[0]) & (points <= INSIDE[1])).all(axis=-1).mean(axis=1)
  jump = np.linalg.norm(np.diff(points, axis=0), axis=-1).max(axis=1)
  eyes_y = (y[:, LEFT_EYE].mean(axis=1) + y[:, RIGHT_EYE].mean(axis=1)) / 2
  crossed = ((y[:, _OUTER_LIP_TOP] >= y[:, _OUTER_LIP_BOTTOM])
             | (y[:, INNER_LIP_TOP] > y[:, INNER_LIP_BOTTOM] + LIP_NOISE))
  swapped = x[:, LEFT_EYE].mean(axis=1) <= x[:, RIGHT_EYE].mean(axis=1)
  return [
    *_where(inside < INSIDE_SHARE, f'landmarks lie outside of [{INSIDE[0]}, {INSIDE[1]}]'),
    *_where(np.ptp(x, axis=1) < MIN_FACE_WIDTH, f'face narrower than {MIN_FACE_WIDTH} of the crop'),
    *_where(eyes_y >= y[:, LIPS].mean(axis=1), 'eyes are not above the mouth'),
    *_where(crossed, 'upper lip is not above the lower lip'),
    *_where(swapped, 'left eye is not right of the right eye in the picture'),
    *_where(np.append(False, jump > MAX_JUMP), f'landmarks jump by over {MAX_JUMP} of the crop')]


def _boxes(record):
  boxes = record['crop_box']
  finite = np.isfinite(boxes).all(axis=1)
  if not finite.all():
    return _where(~finite, 'crop_box is not finite')
  return _where((boxes[:, 2:] <= boxes[:, :2]).any(axis=1), 'crop_box has no positive size')


def _audio(record):
  samples = record['audio'].astype(np.float32)
  if samples.min() == samples.max():
    return [f'audio is constant ({samples[0]:.0f})']
  if samples.std() < SILENCE:
    return ['audio is silent']
  clipped = (np.abs(samples) >= LOUDEST).mean()
  return [f'audio is clipped in {clipped:.0%} of its samples'] if clipped > MAX_CLIPPED else []


def _where(bad, what):
  """No line, or one that names the first bad frame and how many more there are."""
  at = np.flatnonzero(bad)
  if not len(at):
    return []
  more = f' (and {len(at) - 1} more)' if len(at) > 1 else ''
  return [f'frame {at[0]}{more}: {what}']
