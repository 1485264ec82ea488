"""Sound of any length: resampled part by part, and kept in a file from which slices are read."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np
from jaxtyping import Float

from cemnet_jax.errors import UserError

TAPS = 10  # resample_poly's filter reaches so many samples of the lower rate to each side


class Recording:
  """Samples (S,) float32 in a temporary file: memory does not grow with them.

  Has the length and the type of an array and gives its slices as arrays. The file goes with it.

  Args:
    parts: samples, one part after the other.
    multiple: zeros are added until S is a multiple of it.

  Raises:
    UserError: no room for the file.
  """
  dtype = np.dtype(np.float32)

  def __init__(self, parts: Iterable[Float[np.ndarray, 'S']], multiple: int = 1):
    try:
      self._file = tempfile.TemporaryFile()
      for part in parts:
        self._file.write(np.asarray(part, self.dtype).tobytes())
      samples = self._file.tell() // self.dtype.itemsize
      self._file.write(bytes(-samples % multiple * self.dtype.itemsize))
      self._file.flush()
    except OSError as error:
      raise UserError(f'{tempfile.gettempdir()}: the sound cannot be kept there '
                      f'({error.strerror}); make room, or name another folder in TMPDIR'
                      ) from error
    self._length = self._file.tell() // self.dtype.itemsize

  def __len__(self) -> int:
    return self._length

  def __getitem__(self, part: slice) -> Float[np.ndarray, 'S']:
    start, stop, _ = part.indices(self._length)
    size = self.dtype.itemsize
    read = os.pread(self._file.fileno(), max(0, stop - start) * size, start * size)
    return np.frombuffer(read, self.dtype)


def resample(wav: Float[np.ndarray, 'S *C'], rate: int, new_rate: int,
             ) -> Float[np.ndarray, 'R *C']:
  """Polyphase resampling without delay; R = ceil(S new_rate / rate)."""
  if rate == new_rate:
    return np.asarray(wav, np.float32)
  common = gcd(rate, new_rate)
  from scipy.signal import resample_poly  # late: it takes as long to import as JAX
  return resample_poly(wav, new_rate // common, rate // common).astype(np.float32)


def resample_parts(parts: Iterable[Float[np.ndarray, 'S *C']], rate: int, new_rate: int,
                   ) -> Iterator[Float[np.ndarray, 'R *C']]:
  """`resample` of the parts laid end to end, bit by bit, about a second at a time."""
  if rate == new_rate:
    yield from parts
    return
  common = gcd(rate, new_rate)
  up, down = new_rate // common, rate // common
  grid = lambda samples: -(-samples // down) * down  # there an input and an output meet
  reach, step = grid(TAPS * max(up, down) // up + 1), grid(rate)
  held, behind = np.zeros(0, np.float32), 0  # the first `behind` samples of `held` are done
  for part in parts:
    held = np.concatenate([held, part]) if len(held) else part
    while len(held) >= behind + step + reach:
      some = resample(held[:behind + step + reach], rate, new_rate)
      yield some[behind * up // down:(behind + step) * up // down]
      drop = max(0, behind + step - reach)
      held, behind = held[drop:], behind + step - drop
  if len(held) > behind:
    yield resample(held, rate, new_rate)[behind * up // down:]
