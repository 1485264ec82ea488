"""Small videos of a moving square, and a detector that finds it in MediaPipe's place."""

import contextlib

import numpy as np

from cemnet_jax.preprocess.encode import write_video
from cemnet_jax.topology import EYE_CORNERS, FPS, INNER_LIP_BOTTOM, INNER_LIP_TOP

TEMPLATE = np.random.default_rng(0).uniform(-0.5, 0.5, (131, 2)).astype(np.float32)
TEMPLATE[EYE_CORNERS] = [(x, -0.3) for x in (-0.25, -0.1, 0.1, 0.25)]  # all it has of a face
TEMPLATE[[INNER_LIP_TOP, INNER_LIP_BOTTOM]] = [(0, 0.3), (0, 0.35)]
FACE_PX = 60


@contextlib.contextmanager
def blob_detector():
  """Finds the bright square of `blob_frames`: a stand-in for MediaPipe."""
  def detect(rgb):
    bright = rgb[..., 1] > 150
    if not bright.any():
      return np.zeros((0, 131, 2), np.float32)
    ys, xs = np.nonzero(bright)
    return (TEMPLATE * FACE_PX + [xs.mean(), ys.mean()])[None].astype(np.float32)
  yield detect


def blob_frames(count, dark=()):
  frames = np.full((count, 96, 128, 3), 30, np.uint8)
  for i in set(range(count)) - set(dark):
    x = 40 + i % 20
    frames[i, 30:60, x:x + 30] = 220
  return frames


def make_video(path, seconds=1.2, sound=True, dark=()):
  path.parent.mkdir(parents=True, exist_ok=True)
  count = round(seconds * FPS)
  tone = 0.3 * np.sin(np.arange(count * 640) * 0.2).astype(np.float32)
  # A sound file is made like a film, whose name a writer of videos would not take.
  film = path.with_suffix('.mp4')
  write_video(film, blob_frames(count, dark), tone if sound else None)
  film.rename(path)
