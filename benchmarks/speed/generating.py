"""A video from start to end, as `cemnet generate` makes it, and the seconds that its parts take."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import jax
import numpy as np

from cemnet_jax.infer import forward, native, painter, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer import talker as talking
from cemnet_jax.preprocess import encode, face, sound, video
from cemnet_jax.topology import SAMPLES_PER_FRAME

DECODE, LANDMARKS, FEATURES = 'decoding', 'landmarks', 'audio features'
MOUTHS, SKETCHES, RENDERER = 'Audio2Mouth and memory', 'sketches', 'renderer'
PASTE, ENCODE, REST = 'crops and paste-back', 'encoding', 'rest'
PARTS = (DECODE, LANDMARKS, FEATURES, MOUTHS, SKETCHES, RENDERER, PASTE, ENCODE, REST)
MODELS = (MOUTHS, RENDERER)
# The functions that the parts consist of.
TIMED = (
  (FEATURES, talking, ('mel_windows', 'mel_statistics')),
  (FEATURES, talking.MfccWindows, ('__getitem__',)),
  (MOUTHS, forward, ('speech_emotion', 'picture_cues', 'frame_tokens', 'reference_tokens',
                     'motions', 'mouths')),
  (SKETCHES, forward, ('sketches',)),
  (RENDERER, forward, ('encode_references', 'paint')),
  (PASTE, painter, ('crop_frame',)), (PASTE, native, ('compose',)),
  (PASTE, paste, ('lower_face_mask', 'tint', 'paste', 'blend')))


class Generated(NamedTuple):
  """A video that was made.

  Attributes:
    seconds: {part: wall time}; `REST` is what no other part took.
    frames: how many.
    sample: the last frame.
  """
  seconds: dict[str, float]
  frames: int
  sample: np.ndarray


class Clock:
  """Adds up the wall time of parts, from when it is made; what belongs to none is `REST`."""

  def __init__(self):
    self.seconds, self._now, self._since = Counter(), REST, time.perf_counter()

  @contextmanager
  def part(self, name: str) -> Iterator[None]:
    """Counts what is inside to the part `name`, but for parts inside it."""
    around = self._turn(name)
    try:
      yield
    finally:
      self._turn(around)

  def _turn(self, name: str) -> str:
    now = time.perf_counter()
    self.seconds[self._now] += now - self._since
    before, self._now, self._since = self._now, name, now
    return before

  def wrapped(self, name: str, function):
    """`function`, its time counted until its result is there."""
    def timed(*args, **kwargs):
      with self.part(name):
        return jax.block_until_ready(function(*args, **kwargs))
    return timed

  @contextmanager
  def watching(self) -> Iterator[None]:
    """While it lasts, the functions of `TIMED` are counted."""
    with ExitStack() as stack:
      for name, module, functions in TIMED:
        for function in functions:
          stack.enter_context(mock.patch.object(
            module, function, self.wrapped(name, getattr(module, function))))
      yield

  def drawn(self, name: str, items: Iterable) -> Iterator:
    """The items, the time to make each counted."""
    items = iter(items)
    while True:
      with self.part(name):
        item = next(items, None)
      if item is None:
        return
      yield item


def generate(talker: talking.Talker, source: Path, known: np.ndarray | None, landmarker,
             out: Path) -> Generated:
  """Makes the face of the video `source` say what it says there, into the file `out`.

  Args:
    known: landmarks of the source in px; None: found with MediaPipe's file `landmarker`.
  """
  clock = Clock()
  with clock.part(DECODE):
    frames, audio = list(video.iterate_frames(source)), sound.record_audio(source)
  if known is None:
    with clock.part(LANDMARKS), face.landmarker(landmarker) as detect:
      known = face.video_landmarks(frames, detect).landmarks
  references = refs.from_arrays(frames, known[:len(frames)], moving=True)
  last = []

  def kept(pictures: Iterable) -> Iterator:
    for picture in pictures:
      last[:] = [picture]
      yield picture

  with clock.watching():
    making = clock.drawn(REST, kept(talker.stream(references, audio)))
    with clock.part(ENCODE):
      encode.write_video(out, making, audio)
  frames = len(audio) // SAMPLES_PER_FRAME
  return Generated({name: clock.seconds[name] for name in PARTS}, frames, last[0])
