"""Media in and out through PyAV: any video, picture or sound in; H.264 + AAC at 25 fps out.

Everything read is on one clock: zero is the first video frame's time stamp, pictures are taken at
k / 25 s and sound is 16 kHz mono from the same zero, whatever the file's rates and offsets.
"""

import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace, Interpolation
from jaxtyping import Float, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.recording import Recording, resample_parts
from cemnet_jax.topology import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME

PICTURE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')
AAC_RATE = 48000  # Hz; a player that ignores the edit list is then late by 1024 / 48000 s = 21 ms
AAC_FRAME = 1024  # samples of one AAC frame
STAMP_ERROR = 0.03  # s; containers round time stamps, a smaller step is no real gap
MAX_SIDE = 8192  # px; a header that says more is broken, and decoding it would take all memory
MAX_GAP = 10.0  # s without a frame: time stamps that jump farther are broken
MIN_SECONDS = 0.2  # one mel window of 16 frames


class Video(NamedTuple):
  """Frames at 25 fps and the sound that belongs to them."""
  frames: UInt8[np.ndarray, 'T H W 3']
  audio: Float[np.ndarray, 'S'] | None  # 16 kHz mono in [-1, 1], S = 640 T; None without sound


def is_picture(path) -> bool:
  """Whether the file's name ends like a still picture's."""
  return Path(path).suffix.lower() in PICTURE_SUFFIXES


def read_picture(path) -> UInt8[np.ndarray, 'H W 3']:
  """RGB picture, turned upright by its EXIF tag. UserError when missing, empty or unreadable."""
  _check_file(path)
  bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
  if bgr is None:
    raise UserError(f'{path}: not a readable picture; give a PNG or JPEG file')
  return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_video(path, need_audio: bool = False) -> Video:
  """All frames of a video at 25 fps and its sound, both trimmed to the shorter one.

  UserError when the file is missing, empty, corrupt, without pictures, or, with `need_audio`,
  without sound.
  """
  frames = np.stack(list(iterate_frames(path)))
  audio = read_audio(path, like_video=True) if need_audio or has_audio(path) else None
  if audio is None:
    return Video(frames, None)
  count = min(len(frames), len(audio) // SAMPLES_PER_FRAME)
  if not count:
    raise UserError(f'{path}: its sound is shorter than one video frame; give another file')
  return Video(frames[:count], audio[:count * SAMPLES_PER_FRAME])


def has_audio(path) -> bool:
  """Whether the file has a sound track."""
  with _open(path) as container:
    return bool(container.streams.audio)


def iterate_frames(path, shrink: int = 1) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
  """Upright RGB frames at 25 fps by time, one at a time: memory does not grow with length.

  Output k shows the last source frame stamped no later than k / 25 s plus half a frame of the
  faster of the two rates, so that a 30 fps source is neither early nor late on average.
  `shrink` divides both sides, by area means before the costly change to RGB.
  """
  with _open(path) as container:
    if not container.streams.video:
      raise UserError(f'{path}: has no video track; give a video or a picture')
    stream = container.streams.video[0]
    if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
      raise UserError(f'{path}: its pictures are over {MAX_SIDE} px wide or high; scale it down')
    stream.thread_type = 'AUTO'
    rate = float(stream.average_rate or FPS)
    slack = 0.5 / max(rate, FPS)
    shown, first, out, now = None, None, 0, 0.0  # `shown`: makes the RGB picture when wanted
    for i, frame in enumerate(container.decode(stream)):
      stamp = i / rate if frame.time is None else frame.time
      first = stamp if first is None else first
      if abs(stamp - first - now) > MAX_GAP:
        raise UserError(f'{path}: its time stamps jump by more than {MAX_GAP:g} s; convert it')
      now = stamp - first
      while shown is not None and out / FPS + slack < now:
        yield shown()
        out += 1
      shown = functools.cache(functools.partial(_upright, frame, stream, shrink))
    if shown is None:
      raise UserError(f'{path}: holds no video frame; the file is empty or corrupt')
    for _ in range(out, max(1, round((now + min(1 / rate, MAX_GAP)) * FPS))):
      yield shown()


def read_audio(path, like_video: bool = False) -> Float[np.ndarray, 'S']:
  """All that `iterate_audio` tells."""
  return np.concatenate(list(iterate_audio(path, like_video)))


def iterate_audio(path, like_video: bool = False) -> Iterator[Float[np.ndarray, 'S']]:
  """Sound of any file as 16 kHz mono float32, in parts: memory does not grow with its length.

  With `like_video`, time zero is the first video frame: earlier sound is cut, later sound padded.
  UserError when missing, empty, corrupt, silent of track, or shorter than 0.2 s.
  """
  zero = _first_frame_time(path) if like_video else None
  with _open(path) as container:
    if not container.streams.audio:
      raise UserError(f'{path}: has no sound track; give a file with speech')
    frames = container.decode(container.streams.audio[0])
    first = next(frames, None)
    if first is None:
      raise _too_short(path)
    zero = (first.time or 0.0) if zero is None else zero
    placed = _placed(path, chain([first], frames), first.sample_rate, zero)
    yield from resample_parts(placed, first.sample_rate, SAMPLE_RATE)


def record_audio(path) -> Recording:
  """Speech at 16 kHz from a file, kept on disk; whole video frames of it, the last filled up."""
  return Recording(iterate_audio(path), SAMPLES_PER_FRAME)


def _placed(path, frames, rate, zero) -> Iterator[Float[np.ndarray, 'S']]:
  """Samples of sound frames from time `zero` on; silence where no frame is stamped."""
  end = 0
  for frame in frames:
    if frame.sample_rate != rate:
      raise UserError(f'{path}: its sound changes its sample rate; convert it first')
    place = end if frame.time is None else round((frame.time - zero) * rate)
    place = end if end and abs(place - end) < STAMP_ERROR * rate else place
    if place - end > MAX_GAP * rate:
      raise UserError(f'{path}: its sound pauses for more than {MAX_GAP:g} s; convert it')
    gap = np.zeros(max(0, place - end), np.float32)
    piece = np.concatenate([gap, _mono(frame)[max(0, end - place):]])
    if not np.isfinite(piece).all():
      raise UserError(f'{path}: its sound holds values that are no numbers; the file is corrupt')
    end += len(piece)
    yield piece
  if end < MIN_SECONDS * rate:
    raise _too_short(path)


def _too_short(path) -> UserError:
  return UserError(f'{path}: its sound lasts under {MIN_SECONDS} s; give a file with speech')


def check_writable(path) -> Path:
  """Makes the folder of an output file and proves it can be written; UserError otherwise."""
  path = Path(path)
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  try:
    if path.is_dir():
      raise IsADirectoryError('it is a folder')
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.touch()
    temporary.unlink()
  except OSError as error:
    reason = error.strerror or error
    raise UserError(f'{path}: cannot be written ({reason}); choose another --out') from error
  return path


def write_video(path, frames: Iterable[UInt8[np.ndarray, 'H W 3']],
                audio: Float[np.ndarray, 'S'] | Recording | None = None, crf: int = 18) -> None:
  """Writes an mp4 (H.264 yuv420p BT.709, AAC 48 kHz mono) at 25 fps; nothing remains on failure.

  `audio` is 16 kHz mono and starts with the first frame. Odd sizes grow by one repeated row or
  column. `crf` is x264's quality, 18 hardly distinguishable from the source.
  """
  path = check_writable(path)
  temporary = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
  try:
    with av.open(str(temporary), 'w', format='mp4', options={'movflags': '+faststart'}) as out:
      _mux(out, frames, audio, crf)
    os.replace(temporary, path)
  except (av.FFmpegError, OSError) as error:
    raise UserError(f'{path}: cannot be written ({error.strerror}); choose another --out'
                    ) from error
  finally:
    temporary.unlink(missing_ok=True)


def _mux(out, frames, audio, crf) -> None:
  """Encodes frames and sound side by side, so that neither stream waits in memory."""
  stream = sound = None
  blocks, at = _sound_blocks(() if audio is None else audio), 0
  for i, rgb in enumerate(frames):
    height, width = rgb.shape[:2]
    rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    if stream is None:
      stream = out.add_stream('libx264', rate=FPS, options={'crf': str(crf), 'preset': 'medium'})
      stream.height, stream.width = rgb.shape[:2]
      stream.pix_fmt = 'yuv420p'
      for field in ('colorspace', 'color_primaries', 'color_trc', 'color_range'):
        setattr(stream.codec_context, field, 1)  # BT.709, limited range
      if audio is not None:
        sound = out.add_stream('aac', rate=AAC_RATE, layout='mono', bit_rate=128000)
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format='rgb24').reformat(
      format='yuv420p', dst_colorspace=Colorspace.ITU709)
    picture.pts, picture.time_base = i, Fraction(1, FPS)
    out.mux(stream.encode(picture))
    while at * FPS < (i + 1) * AAC_RATE and (block := next(blocks, None)) is not None:
      at = _encode_sound(out, sound, block, at)
  if stream is None:
    raise ValueError('a video needs at least one frame')
  for block in blocks:
    at = _encode_sound(out, sound, block, at)
  for track in filter(None, (stream, sound)):
    out.mux(track.encode(None))


def _sound_blocks(audio) -> Iterator[Float[np.ndarray, 'S']]:
  """Samples at AAC_RATE, as many as an AAC frame holds at a time."""
  seconds = (np.clip(audio[start:start + SAMPLE_RATE], -1, 1)
             for start in range(0, len(audio), SAMPLE_RATE))
  held = np.zeros(0, np.float32)
  for part in resample_parts(seconds, SAMPLE_RATE, AAC_RATE):
    held = np.concatenate([held, part])
    whole = len(held) - len(held) % AAC_FRAME
    yield from held[:whole].reshape(-1, AAC_FRAME)
    held = held[whole:]
  if len(held):
    yield held


def _encode_sound(out, sound, block, at) -> int:
  """Encodes an AAC frame of samples that starts at sample `at`; returns the position after it."""
  frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None]), format='fltp',
                                     layout='mono')
  frame.sample_rate, frame.pts, frame.time_base = AAC_RATE, at, Fraction(1, AAC_RATE)
  out.mux(sound.encode(frame))
  return at + len(block)


def _check_file(path) -> None:
  if not os.path.isfile(path):
    raise UserError(f'{path}: no such file')
  if not os.path.getsize(path):
    raise UserError(f'{path}: is empty (0 bytes)')


@contextmanager
def _open(path):
  """An open container; what PyAV raises while it is read becomes one line for the user."""
  _check_file(path)
  try:
    with av.open(str(path)) as container:
      yield container
  except av.FFmpegError as error:
    raise UserError(f'{path}: cannot be decoded ({error.strerror}); the file is corrupt or of an '
                    'unknown kind') from error


def _first_frame_time(path) -> float | None:
  """Time stamp of the first video frame in s; None without one."""
  with _open(path) as container:
    if not container.streams.video:
      return None
    return next((f.time for f in container.decode(container.streams.video[0])), None)


def _upright(frame, stream, shrink) -> UInt8[np.ndarray, 'H W 3']:
  """RGB pixels with the rotation tag applied, square pixels and both sides `shrink` times less."""
  width = round(frame.width * float(stream.sample_aspect_ratio or 1)) // shrink
  rgb = frame.reformat(
    format='rgb24', width=width, height=frame.height // shrink,
    interpolation=Interpolation.AREA if shrink > 1 else None,
    src_color_range=frame.color_range).to_ndarray()
  quarter_turns = round(frame.rotation / 90)
  return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns % 4 else rgb


def _mono(frame) -> Float[np.ndarray, 'S']:
  """Mean of the channels as float32 in [-1, 1]."""
  samples = frame.to_ndarray()
  if not frame.format.is_planar:
    samples = samples.reshape(-1, frame.layout.nb_channels).T
  if samples.dtype == np.uint8:
    samples = (samples.astype(np.float32) - 128) / 128
  elif samples.dtype.kind == 'i':
    samples = samples / -float(np.iinfo(samples.dtype).min)
  return samples.mean(axis=0, dtype=np.float32)
