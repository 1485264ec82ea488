"""A picture of a built clips dataset: speakers x emotions, with the landmarks drawn."""

import itertools

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.data.folders import SPLITS
from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import figures
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import EDGES, LABELS, LIPS

POINT, LIP = (60, 255, 60), (255, 220, 0)  # RGB
EMPTY = 235  # grey of a cell without a clip
SUBPIXEL_BITS = 4
FAR = 9.0  # crops: where points that are not finite, or far outside, are drawn (and clipped)
_LIP_EDGES = np.array([edge for edge in EDGES if set(edge) <= set(LIPS.tolist())])


def clip_sheet(clips: Clips, speakers: int = 6, size: int = 176
               ) -> UInt8[np.ndarray, 'H W 3']:
  """The middle frame of one clip for each of some speakers and each emotion.

  Only the frames that are shown are decoded. The clip is the first at the highest intensity.

  Args:
    speakers: at most so many, spread over the splits.
    size: px of every picture.

  Raises:
    UserError: the dataset holds no pictures.
  """
  table = clips.table
  seen = table['num_frames'] > 0
  if not seen.any():
    raise UserError(f'{clips.name}: holds no pictures, so there is no contact sheet')
  emotions = np.unique(table['emotion'][seen])
  rows = []
  for speaker, split in choose_speakers(clips, speakers):
    mine = seen & (table['speaker'] == speaker)
    cells = []
    for emotion in emotions:
      found = np.flatnonzero(mine & (table['emotion'] == emotion))
      cells.append([_middle(clips[found[table['intensity'][found].argmax()]], size)
                    if len(found) else np.full((size, size, 3), EMPTY, np.uint8)])
    rows.append((f'speaker {speaker} ({split})', cells))
  return figures.contact_sheet(rows, [LABELS[e] for e in emotions], size=size)


def choose_speakers(clips: Clips, count: int) -> list[tuple[str, str]]:
  """(speaker, split) of at most `count` speakers with pictures, taken from the splits in turn."""
  by_split = []
  for split in SPLITS:
    mine = np.array(clips.ranges[split], int)
    mine = mine[clips.table['num_frames'][mine] > 0]
    by_split.append([(s, split) for s in dict.fromkeys(clips.table['speaker'][mine].tolist())])
  chosen = {}
  for speaker, split in filter(None, itertools.chain(*itertools.zip_longest(*by_split))):
    if len(chosen) < count:
      chosen.setdefault(speaker, split)
  return sorted(chosen.items(), key=lambda item: SPLITS.index(item[1]))


def _middle(clip: dict, size: int) -> UInt8[np.ndarray, 'size size 3']:
  middle = len(clip['frames']) // 2
  picture = figures.fit(decode_jpeg(clip['frames'][middle]), size)
  return draw_landmarks(picture, clip['landmarks'][middle])


def draw_landmarks(picture: UInt8[np.ndarray, 'S S 3'], landmarks: Float[np.ndarray, '131 2']
                   ) -> UInt8[np.ndarray, 'S S 3']:
  """The picture with dots at all landmarks and lines along the lips; landmarks are in crops."""
  points = np.clip(np.nan_to_num(landmarks.astype(np.float64), nan=-FAR), -FAR, FAR)
  # OpenCV's integer positions are pixel centres, ours are pixel edges.
  scaled = np.rint((points * len(picture) - 0.5) * 2 ** SUBPIXEL_BITS).astype(np.int32)
  drawn = cv2.polylines(picture.copy(), scaled[_LIP_EDGES], False, LIP, 1, cv2.LINE_AA,
                        SUBPIXEL_BITS)
  for x, y in scaled.tolist():
    cv2.circle(drawn, (x, y), 1 << SUBPIXEL_BITS, POINT, -1, cv2.LINE_AA, SUBPIXEL_BITS)
  return drawn
