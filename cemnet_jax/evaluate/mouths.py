"""Mouths of several cases of one driving clip at once, as `infer.talker` makes those of each alone.

An evaluation asks about a clip again and again, with other references and other systems. What the
clip alone tells is made once, and the nets see windows of several cases in one batch.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from cemnet_jax.infer import forward
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.rows import average_overlaps
from cemnet_jax.infer.talker import DEFAULTS
from cemnet_jax.nets.landmark_frame import Similarity
from cemnet_jax.preprocess.audio import load_wav16, mel_statistics, mel_windows
from cemnet_jax.topology import POSE

# Sizes of batches, the largest first; what is left over goes through the smallest, filled up.
WINDOWS = (128, 32)
CASES = (4, 1)  # whose references are looked at


class Motions(NamedTuple):
  """Emotion-agnostic mouths of N cases in all W windows of a clip of `count` frames."""
  points: Float[np.ndarray, 'N W T 57 2']  # standardised
  windows: Int[np.ndarray, 'W T']  # frames of each
  frame: Similarity  # of the face in each frame of each window
  count: int


class Looks(NamedTuple):
  """What the memory is told of the references of N cases."""
  emotion: Float[np.ndarray, 'N F']
  identity: Float[np.ndarray, 'N G']


def frame_tokens(nets: forward.Networks, clip) -> forward.FrameTokens:
  """Audio2Mouth's tokens of a driving clip's frames; the last is repeated in too short a clip."""
  audio, landmarks = load_wav16(clip['audio']), clip['landmarks'].astype(np.float32)
  count = max(len(landmarks), nets.window)
  at = np.minimum(np.arange(count), len(landmarks) - 1)
  heard = mel_statistics(audio) if nets.per_utterance else None
  return forward.frame_tokens(nets, mel_windows(audio, 0, count), landmarks[at][:, POSE], heard)


def motions(nets: forward.Networks, tokens: forward.FrameTokens, count: int,
            references: Sequence[refs.References]) -> Motions:
  """What Audio2Mouth makes of a clip's `tokens` with each case's references.

  `count` frames has the clip.
  """
  starts = np.arange(len(tokens.audio) - nets.window + 1)
  windows = starts[:, None] + np.arange(nets.window)
  # As many reference tokens as in training, however few pictures there are.
  known = np.stack([refs.crop_landmarks(some)[
    np.arange(nets.mouth_references) % len(some.frames)].astype(np.float32)
    for some in _chosen(nets, references)])
  known = _in_batches(len(known), CASES, lambda rows: forward.reference_tokens(nets, known[rows]))

  def move(rows):
    case, at = np.divmod(rows, len(windows))
    return forward.motions(nets, known[case], jax.tree.map(lambda x: x[windows[at]], tokens))

  points = _in_batches(len(references) * len(windows), WINDOWS, move)
  return Motions(points.reshape(len(references), *windows.shape, *points.shape[2:]), windows,
                 jax.tree.map(lambda x: x[windows], tokens.frame), count)


def looks(nets: forward.Networks, references: Sequence[refs.References]) -> Looks:
  """Emotion and identity that each case's references show."""
  chosen = _chosen(nets, references, least=nets.render_references)
  images = np.stack([refs.crops(some, nets.bridge.image_size) for some in chosen])
  return Looks(*_in_batches(len(images), CASES,
                            lambda rows: forward.picture_cues(nets.bridge, images[rows])))


def contents(nets: forward.Networks, moved: Motions, cues: forward.Cues | None,
             ) -> Float[np.ndarray, 'N T 57 2']:
  """Mouths in the crop, through the memory where `cues` (N, ...) of the cases are given."""
  cases, windows = moved.points.shape[:2]

  def finish(rows):
    case, at = np.divmod(rows, windows)
    told = None if cues is None else jax.tree.map(lambda x: x[case], cues)
    return forward.mouths(nets, moved.points[case, at], jax.tree.map(lambda x: x[at], moved.frame),
                          told)

  values = _in_batches(cases * windows, WINDOWS, finish)
  values = np.moveaxis(values.reshape(moved.points.shape), 0, 2)  # W T N 57 2
  parts = average_overlaps([(moved.windows, values)], moved.count)
  return np.moveaxis(np.concatenate(list(parts)), 1, 0)


def _chosen(nets, references, least: int = 0) -> list[refs.References]:
  """As many of each case's references as the nets take, drawn as a talker draws them."""
  count = max(nets.mouth_references, least)
  return [refs.take(some, refs.choose(some, count, DEFAULTS.seed, DEFAULTS.choice))
          for some in references]


def _in_batches(count: int, sizes: Sequence[int], function):
  """`function` of the rows 0 .. count - 1, each call with as many as one of the sizes says."""
  # All are begun before the first is waited for.
  made = [(function(rows), kept) for rows, kept in _batches(count, sizes)]
  parts = [jax.tree.map(lambda x, kept=kept: np.asarray(x)[:kept], part) for part, kept in made]
  return jax.tree.map(lambda *x: np.concatenate(x), *parts)


def _batches(count, sizes) -> Iterator[tuple[Int[np.ndarray, ' B'], int]]:
  start = 0
  for size in sizes:
    while start + size <= count or (size == sizes[-1] and start < count):
      yield np.minimum(np.arange(start, start + size), count - 1), min(size, count - start)
      start += size
