"""One video of a real face, measured: what was drawn against what was shown and asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from cemnet_jax.metrics import colour_step, oval
from cemnet_jax.metrics.lip_gap import CLOSED, face_height, gap_agreement, lip_gap
from cemnet_jax.metrics.outside_change import outside_change
from cemnet_jax.metrics.sharpness import FACE_SIZE, sharpness
from cemnet_jax.metrics.sound_energy import sound_energy
from cemnet_jax.metrics.sync_offset import sync_offset
from cemnet_jax.preprocess.crop import crop_frame, to_crop
from cemnet_jax.preprocess.face import Faces

GROUPS = 'portrait, closed lips', 'portrait, open lips', 'video'
MAX_LAG = 200.0  # ms: further off, syllables fit the ones before or after


class Footage(NamedTuple):
  """A finished video and the pictures it was made from."""
  drawn: Sequence[UInt8[np.ndarray, 'H W 3']]  # T frames before encoding
  decoded: Sequence[UInt8[np.ndarray, 'H W 3']]  # the same frames out of the mp4
  asked: Float[np.ndarray, 'T 131 2']  # what the renderer was told, in the crop
  audio: Float[np.ndarray, ' S']
  pictures: Sequence[UInt8[np.ndarray, 'H W 3']]  # N of the reference, whole
  landmarks: Float[np.ndarray, 'N 131 2']  # of them, px
  boxes: Float[np.ndarray, 'N 4']  # their crops, px
  shown: Int[np.ndarray, ' T']  # which of them each frame shows
  moving: bool  # they are frames of a video


class Found(NamedTuple):
  """What MediaPipe sees in the T drawn frames; NaN and None where it finds no face."""
  landmarks: Float[np.ndarray, 'T 131 2']  # px
  blendshapes: list[dict[str, float] | None]


def look(footage: Footage, read: Callable[..., Faces]) -> Found:
  """Every drawn frame by itself; of several faces, the one that is nearest to the picture's."""
  points, shapes = [], []
  for frame, i in zip(footage.drawn, footage.shown, strict=True):
    faces = read(frame)
    if not len(faces.landmarks):
      points.append(np.full(footage.landmarks.shape[1:], np.nan, np.float32))
      shapes.append(None)
      continue
    away = np.linalg.norm((faces.landmarks - footage.landmarks[i]).mean(axis=1), axis=-1)
    points.append(faces.landmarks[away.argmin()])
    shapes.append(faces.blendshapes[away.argmin()])
  return Found(np.stack(points), shapes)


def group(footage: Footage) -> str:
  """Which of GROUPS: a portrait's lips are closed where its gap is below lip_gap.CLOSED."""
  if footage.moving:
    return GROUPS[2]
  gap = lip_gap(footage.landmarks[0], face_height(footage.landmarks[0]))
  return GROUPS[0] if gap < CLOSED else GROUPS[1]


def mean_blendshapes(found: Found) -> dict[str, float]:
  """Mean over the frames in which the face was found."""
  seen = [shapes for shapes in found.blendshapes if shapes]
  return {name: float(np.mean([s[name] for s in seen])) for name in seen[0]} if seen else {}


def measure(footage: Footage, found: Found) -> dict[str, float]:
  """All measures of one video; see docs/real_faces.md for their meaning and units."""
  in_crop = to_crop(footage.landmarks, footage.boxes)
  known = footage.landmarks[footage.shown]
  height = face_height(known)
  sides = footage.boxes[footage.shown, 2] - footage.boxes[footage.shown, 0]
  asked = lip_gap(footage.asked, height / sides)
  drawn = lip_gap(found.landmarks, height)
  seen = np.isfinite(drawn)
  agreement = gap_agreement(asked, drawn)
  loudness = sound_energy(footage.audio, len(drawn))
  lag, sync = sync_offset(_bridged(drawn), loudness, max_ms=MAX_LAG)
  asked_lag, asked_sync = sync_offset(asked, loudness, max_ms=MAX_LAG)
  return {
    'frames': len(drawn), 'face_px': float(np.median([oval.face_width(p) for p in known])),
    'detected': float(seen.mean()), **_pixels(footage, in_crop),
    'slope': agreement.slope, 'correlation': agreement.correlation,
    'asked_max': float(asked.max()), 'drawn_max': float(np.nanmax(drawn, initial=0)),
    'reference_gap': float(lip_gap(footage.landmarks, face_height(footage.landmarks)).mean()),
    'lag_ms': lag, 'sync': sync, 'asked_lag_ms': asked_lag, 'asked_sync': asked_sync}


def _pixels(footage: Footage, in_crop) -> dict[str, float]:
  """Sharpness, outside change and colour step; one frame at a time, for frames may be large."""
  cache: dict[int, tuple] = {}
  sharp, outside, steps = [], [], []
  for frame, decoded, told, i in zip(footage.drawn, footage.decoded, footage.asked, footage.shown,
                                     strict=True):
    i, box, picture = int(i), footage.boxes[i], footage.pictures[i]
    side = int(np.ceil(box[2] - box[0]))
    if i not in cache:
      region = oval.lower_face(in_crop[i], FACE_SIZE) & _in_picture(box, picture, FACE_SIZE)
      beside = oval.beside_face(in_crop[i], side) & _in_picture(box, picture, side)
      cache[i] = (region, beside, crop_frame(picture, box, FACE_SIZE),
                  crop_frame(picture, box, side), colour_step.edge_bands(in_crop[i], FACE_SIZE))
    region, beside, small, whole, bands = cache[i]
    painted = crop_frame(frame, box, FACE_SIZE)
    encoded = crop_frame(decoded[:len(frame), :frame.shape[1]], box, FACE_SIZE)  # sides were even
    skin = region & ~oval.mouth(in_crop[i], FACE_SIZE) & ~oval.mouth(told, FACE_SIZE)
    sharp.append([*sharpness([painted, encoded, small], [region] * 3),
                  *sharpness([encoded, small], [skin] * 2)])
    outside.append(outside_change([crop_frame(frame, box, side)], [whole], [beside]))
    steps.append(colour_step.colour_step(painted, small, bands))
  drawn, encoded, own, skin, own_skin = np.mean(sharp, axis=0)
  means = np.array([change.mean[0] for change in outside])
  steps = np.array([(step.mean(), step.max()) for step in steps])
  return {'sharpness': float(encoded / own), 'sharpness_drawn': float(drawn / own),
          'sharpness_skin': float(skin / own_skin),
          'outside': float(np.nanmean(means)), 'outside_worst_frame': float(np.nanmax(means)),
          'outside_p99': float(np.nanmean([change.high[0] for change in outside])),
          'step': float(steps[:, 0].mean()), 'step_worst_piece': float(steps[:, 1].max())}


def _in_picture(box, picture, size):
  """Pixels of a crop that show the picture and not its repeated edge."""
  at = [(np.arange(size) + 0.5) / size * (box[k + 2] - box[k]) + box[k] for k in (0, 1)]
  inside = [(x >= 0) & (x <= limit) for x, limit in zip(at, picture.shape[1::-1], strict=True)]
  return inside[1][:, None] & inside[0]


def _bridged(values: Float[np.ndarray, ' T']) -> Float[np.ndarray, ' T']:
  """Straight lines over what is not known; all NaN stays."""
  known = np.flatnonzero(np.isfinite(values))
  return np.interp(np.arange(len(values)), known, values[known]) if len(known) else values


def own_sync(landmarks: Float[np.ndarray, 'T 131 2'], audio: Float[np.ndarray, ' S']
             ) -> Mapping[str, float]:
  """Lag and correlation of a real video's own mouth and sound: what a recording itself reaches."""
  lag, correlation = sync_offset(lip_gap(landmarks, face_height(landmarks)),
                                 sound_energy(audio, len(landmarks)), max_ms=MAX_LAG)
  return {'own_lag_ms': lag, 'own_sync': correlation}
