"""Frames of a video of any length: a short one's are kept, a long one's are decoded when needed."""

import copy
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from jaxtyping import UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.video import iterate_frames

KEPT_BYTES = 256 * 2**20  # of decoded frames: longer videos are not kept
CHUNK = 32  # frames that are decoded at a time, in either direction


class Film(Sequence):
  """The first `limit` frames at 25 fps of a video file; memory does not grow with their number.

  Frames are there, and counted, once `read` has come to its end. Slices are films of the same file.
  In order, forward or backward, frames are decoded once in each direction that is taken; backward
  the file is read from its start for every CHUNK frames.
  """

  def __init__(self, path, limit: int | None = None):
    self._path, self._limit = path, limit
    self._range, self._kept = range(0), []
    self._forget()

  def read(self) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """Every frame once, in order.

    Raises:
      UserError: the file cannot be decoded.
    """
    self._range, self._kept = range(0), []
    count, held = 0, 0
    for frame in islice(iterate_frames(self._path), self._limit):
      count, held = count + 1, held + frame.nbytes
      if held > KEPT_BYTES:
        self._kept.clear()
      else:
        self._kept.append(frame)
      yield frame
    self._range = range(count)

  def __len__(self) -> int:
    return len(self._range)

  def __getitem__(self, index):
    if isinstance(index, slice):
      part = copy.copy(self)
      part._range = self._range[index]
      part._forget()
      return part
    at = self._range[index]
    if self._kept:
      return self._kept[at]
    start = at // CHUNK * CHUNK
    if self._start != start:
      self._decode(start)
    if at - start >= len(self._chunk):
      raise UserError(f'{self._path}: has fewer frames than before; it changed while it was read')
    return self._chunk[at - start]

  def _decode(self, start: int) -> None:
    if self._frames is None or self._next > start:
      self._frames, self._next = iterate_frames(self._path), 0
    self._chunk = list(islice(self._frames, start - self._next, start - self._next + CHUNK))
    self._start, self._next = start, start + CHUNK

  def _forget(self) -> None:
    """No chunk is known, and the file is not open."""
    self._frames, self._next, self._start, self._chunk = None, 0, -1, []
