"""Videos out through PyAV, at 25 fps, in the container that the file's name asks for."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import Colorspace
from jaxtyping import Float, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.files import check_writable, unwritable, whole
from cemnet_jax.preprocess.container import url
from cemnet_jax.preprocess.recording import Recording, resample_parts
from cemnet_jax.preprocess.sound import OwnSound
from cemnet_jax.topology import FPS, SAMPLE_RATE

SOUND_RATE = 48000  # Hz; a player that ignores the edit list is then late by 21 ms at most
BLOCK = 1024  # samples encoded at a time
BIT_RATE = 128000  # of one channel's sound: more than speech needs


class Container(NamedTuple):
  """How a kind of file is written: FFmpeg's names of its format and codecs."""
  format: str
  video: str = 'libx264'
  audio: str = 'aac'


CONTAINERS = {'.mp4': Container('mp4'), '.m4v': Container('mp4'), '.mov': Container('mov'),
              '.mkv': Container('matroska'), '.webm': Container('webm', 'libvpx-vp9', 'libopus')}
# VP9's quality runs to 63 where x264's runs to 51, and its default speed is a tenth of x264's.
_VP9 = {'b:v': '0', 'deadline': 'good', 'cpu-used': '4', 'row-mt': '1'}
_VP9_CRF = 10  # more than x264's for the same quality


def check_video(path, inputs: Iterable = ()) -> Path:
  """`files.check_writable` for a video, whose name must ask for a container that is known."""
  if Path(path).suffix.lower() not in ('', *CONTAINERS):
    raise UserError(f'{path}: {Path(path).suffix} is no video that can be written; name it '
                    f'{", ".join(CONTAINERS)}')
  return check_writable(path, inputs)


def write_video(path, frames: Iterable[UInt8[np.ndarray, 'H W 3']],
                audio: Float[np.ndarray, ' S'] | Recording | OwnSound | None = None,
                crf: int = 18) -> None:
  """Writes a video at 25 fps, of MP4 where the name has no suffix; nothing remains on failure.

  H.264 in BT.709 and AAC, in WebM VP9 and Opus, both at 48 kHz. `audio` is 16 kHz mono or a file's
  own sound, and starts with the first frame. Odd sizes grow by one repeated row or column. `crf` is
  x264's quality, 18 hardly distinguishable from the source.

  Raises:
    UserError: the file cannot be written, or its name asks for another container.
  """
  path = check_video(path)
  kind = CONTAINERS[path.suffix.lower() or '.mp4']
  options = {'movflags': '+faststart'} if kind.format in ('mp4', 'mov') else {}
  try:
    with whole(path, path.suffix) as beside:
      with av.open(url(beside), 'w', format=kind.format, options=options) as out:
        _mux(out, kind, frames, audio, crf)
  except (av.FFmpegError, OSError) as error:
    raise unwritable(path, error) from error


def _mux(out, kind, frames, audio, crf) -> None:
  """Encodes frames and sound side by side, so that neither stream waits in memory."""
  stream = sound = None
  blocks, at = _sound_blocks(audio), 0
  for i, rgb in enumerate(frames):
    height, width = rgb.shape[:2]
    rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    if stream is None:
      stream, sound = _streams(out, kind, rgb.shape, audio, crf)
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format='rgb24').reformat(
      format='yuv420p', dst_colorspace=Colorspace.ITU709)
    picture.pts, picture.time_base = i, Fraction(1, FPS)
    out.mux(stream.encode(picture))
    while at * FPS < (i + 1) * SOUND_RATE and (block := next(blocks, None)) is not None:
      at = _encode_sound(out, sound, block, at)
  if stream is None:
    raise ValueError('a video needs at least one frame')
  for block in blocks:
    at = _encode_sound(out, sound, block, at)
  for track in filter(None, (stream, sound)):
    out.mux(track.encode(None))


def _streams(out, kind, shape, audio, crf):
  """The tracks of pictures of that shape and of the sound, None where there is none."""
  vp9 = kind.video != 'libx264'
  options = {'crf': str(crf + _VP9_CRF), **_VP9} if vp9 else {'crf': str(crf), 'preset': 'medium'}
  stream = out.add_stream(kind.video, rate=FPS, options=options)
  stream.height, stream.width = shape[:2]
  stream.pix_fmt = 'yuv420p'
  for field in ('colorspace', 'color_primaries', 'color_trc', 'color_range'):
    setattr(stream.codec_context, field, 1)  # BT.709, limited range
  if audio is None:
    return stream, None
  channels = audio.channels if isinstance(audio, OwnSound) else 1
  return stream, out.add_stream(kind.audio, rate=SOUND_RATE, bit_rate=BIT_RATE * channels,
                                layout='stereo' if channels == 2 else 'mono')


def _sound_blocks(audio) -> Iterator[Float[np.ndarray, 'K S']]:
  """Samples of each channel at SOUND_RATE, BLOCK at a time."""
  if audio is None:
    return
  held = None
  for part in _parts(audio):
    held = part if held is None else np.concatenate([held, part])
    whole_blocks = len(held) - len(held) % BLOCK
    for start in range(0, whole_blocks, BLOCK):
      yield np.clip(held[start:start + BLOCK], -1, 1).T
    held = held[whole_blocks:]
  if len(held):
    yield np.clip(held, -1, 1).T


def _parts(audio) -> Iterator[Float[np.ndarray, 'S K']]:
  if isinstance(audio, OwnSound):
    return audio.parts(SOUND_RATE)
  seconds = (np.clip(audio[start:start + SAMPLE_RATE], -1, 1)
             for start in range(0, len(audio), SAMPLE_RATE))
  return (part[:, None] for part in resample_parts(seconds, SAMPLE_RATE, SOUND_RATE))


def _encode_sound(out, sound, block, at) -> int:
  """Encodes samples (K, S) that start at sample `at`; returns the position after them."""
  frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format='fltp',
                                     layout=sound.codec_context.layout)
  frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, at, Fraction(1, SOUND_RATE)
  out.mux(sound.encode(frame))
  return at + block.shape[1]
