"""Which frames of a video show the person whose face is drawn; the others stay as they are.

There is no net here that knows people. What is told apart is the shot, and within a shot the face's
place, size and colours: a frame that leaves a doubt is not painted over.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int16, UInt8

from cemnet_jax.preprocess.crop import crop_frame, stable_boxes
from cemnet_jax.preprocess.face import Track, same_shot, steady_runs, thumbnail
from cemnet_jax.topology import FPS

FACE_SIDE = 32  # px of the crop whose middle is compared: eyes, nose and cheeks, not the mouth
ROWS, COLUMNS = slice(8, 22), slice(5, 27)
COLOUR = 20.0  # 8-bit levels between the mean colours of one face in one shot at most
ALIKE = 0.2  # correlation of the brightness of one face seconds apart at least
REACH = 1.5  # widths of the face that it moves, and times that it grows, out of sight at most
MOST_TOLD = 3  # spans of time that are named


class Part(NamedTuple):
  """What a video of T frames shows of one person."""
  runs: list[tuple[int, int]]  # [start, stop) of frames
  landmarks: Float[np.ndarray, 'T 131 2']  # px
  middle: int  # a frame in the middle of the longest run
  told: list[str]  # which frames stay as they are


class _Look(NamedTuple):
  """What a frame with a face looks like."""
  shot: Int16[np.ndarray, 'S S 3']
  face: Float[np.ndarray, 'h w 3']
  points: Float[np.ndarray, '131 2']


def of_one_person(frames: Sequence[UInt8[np.ndarray, 'H W 3']], track: Track) -> Part | None:
  """The longest run, and those before and after it that go on with it; None without any.

  Runs are compared at their ends with those next to them in time, so that a camera may move.
  """
  runs = steady_runs(*track)
  if not runs:
    return None
  main = int(np.argmax([stop - start for start, stop in runs]))
  kept = [main]
  if len(runs) > 1:
    looks = [(_look(frames, track, start), _look(frames, track, stop - 1)) for start, stop in runs]
    seen = list(looks[main])
    for i in (*range(main + 1, len(runs)), *range(main - 1, -1, -1)):
      if any(_same(look, other) for look in looks[i] for other in seen):
        kept.append(i)
        seen += looks[i]
  used = [runs[i] for i in sorted(kept)]
  start, stop = runs[main]
  return Part(used, track.landmarks, (start + stop) // 2, _told(track, used))


def between(values: Float[np.ndarray, 'T ...'], seen: Bool[np.ndarray, ' T'],
            ) -> Float[np.ndarray, 'T ...']:
  """The values of the frames that are seen; straight lines between them, and the ends held."""
  at, known = np.arange(len(values)), np.flatnonzero(seen)
  flat = values.reshape(len(values), -1)
  filled = np.empty(flat.shape, np.float32)
  for column, out in zip(flat.T, filled.T):
    out[:] = np.interp(at, known, column[known])
  return filled.reshape(values.shape)


def _look(frames, track, index) -> _Look:
  frame, points = frames[index], track.landmarks[index]
  crop = crop_frame(frame, stable_boxes(points[None])[0], FACE_SIDE)
  return _Look(thumbnail(frame), crop[ROWS, COLUMNS].astype(np.float32), points)


def _same(a: _Look, b: _Look) -> bool:
  """Whether two frames show one person in one shot."""
  if not same_shot(a.shot, b.shot):
    return False
  width, other = np.ptp(a.points[:, 0]), np.ptp(b.points[:, 0])
  way = np.linalg.norm(a.points.mean(axis=0) - b.points.mean(axis=0))
  if way > REACH * max(width, other) or max(width, other) > REACH * min(width, other):
    return False
  colours = np.abs(a.face.mean(axis=(0, 1)) - b.face.mean(axis=(0, 1))).max()
  return bool(colours < COLOUR and _correlation(a.face, b.face) > ALIKE)


def _correlation(a, b) -> float:
  a, b = (x.mean(axis=2) - x.mean() for x in (a, b))
  return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-6))


def _told(track: Track, used) -> list[str]:
  found = np.isfinite(track.landmarks).all(axis=(1, 2))
  painted = np.zeros(len(found), bool)
  for start, stop in used:
    painted[start:stop] = True
  lines = []
  for rows, what in ((~found, 'no face is found'), (found & ~painted, 'another shot or person is')):
    if rows.any():
      lines.append(f'{what} in {rows.sum()} of {len(rows)} frames ({_spans(rows)}), which stay as '
                   'they are')
  return lines


def _spans(rows: Iterable[bool]) -> str:
  edges = np.flatnonzero(np.diff(np.r_[False, rows, False]))
  spans = [f'{start / FPS:.1f} to {stop / FPS:.1f} s'
           for start, stop in zip(edges[::2], edges[1::2])]
  more = [f'{len(spans) - MOST_TOLD} more'] * (len(spans) > MOST_TOLD)
  return ', '.join(spans[:MOST_TOLD] + more)
