"""Opening media through PyAV: any file name, the default track, one clear line for bad files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.stream import Disposition

from cemnet_jax.errors import UserError

MAX_SIDE = 8192  # px; a header that says more is broken, and decoding it would take all memory
MAX_GAP = 10.0  # s without a frame: time stamps that jump farther are broken
# Streams that are parts of another picture, or a cover: nothing that plays.
_NO_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent


def check_file(path) -> None:
  """UserError unless there is a file at `path` that may be read and holds something."""
  if not os.path.exists(path):
    raise UserError(f'{path}: no such file')
  if not os.path.isfile(path):
    raise UserError(f'{path}: is no file but a folder or a device')
  try:
    with open(path, 'rb') as file:
      first = file.read(1)
  except OSError as error:
    raise UserError(f'{path}: cannot be read ({error.strerror})') from error
  if not first:
    raise UserError(f'{path}: is empty (0 bytes)')


def url(path) -> str:
  """The file's name as FFmpeg takes it, which would read `12:30 talk.wav` as a protocol."""
  return f'file:{os.path.abspath(path)}'


@contextmanager
def opened(path) -> Iterator[av.container.InputContainer]:
  """An open container; what PyAV raises while it is read becomes one line for the user."""
  check_file(path)
  try:
    with av.open(url(path)) as container:
      yield container
  except av.FFmpegError as error:
    raise UserError(f'{path}: cannot be decoded ({error.strerror}); the file is corrupt or of an '
                    'unknown kind') from error


def films(container) -> list[av.VideoStream]:
  """The video tracks: neither covers nor tiles of a picture."""
  return [stream for stream in container.streams.video if not stream.disposition & _NO_FILM]


def default(path, streams, kind: str) -> tuple[int, av.stream.Stream]:
  """(index, stream) of the track that players take: the first that is marked as default.

  Raises:
    UserError: there is none, or nothing here can decode it.
  """
  marked = [i for i, stream in enumerate(streams) if stream.disposition & Disposition.default]
  index = marked[0] if marked else 0
  if streams[index].codec_context is None:
    raise UserError(f'{path}: its {kind} is of a kind that cannot be decoded; convert it, say to '
                    'MP4 with H.264 and AAC')
  return index, streams[index]


def film(path, container) -> av.VideoStream:
  """The video track that is shown.

  Raises:
    UserError: there is none, it cannot be decoded, or its pictures are too large.
  """
  streams = films(container)
  if not streams:
    raise UserError(f'{path}: has no video track; give a video or a picture')
  stream = default(path, streams, 'video')[1]
  check_size(path, stream.codec_context.width, stream.codec_context.height)
  return stream


def check_size(path, width: int, height: int) -> None:
  """UserError when a picture is larger than MAX_SIDE."""
  if max(width, height) > MAX_SIDE:
    raise UserError(f'{path}: {width} x {height} px is over {MAX_SIDE} px wide or high; '
                    'scale it down')
