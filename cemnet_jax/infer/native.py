"""Faces at the picture's own resolution: the nets' small crops say where every pixel comes from.

The flow of the references, as a displacement, and their shares are enlarged to the pixels of the
frame, which then come from the references' own pixels; of the generator's picture only its change
of the warped references is enlarged and added.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.infer.forward import Painting
from cemnet_jax.infer.paste import Region, enlarger
from cemnet_jax.preprocess.sketch import FINER, fine_mouth

MARGIN = 0.15  # of the crop's side around it that is kept of a reference: the flow reaches there
SHRINK_FROM = 0.8  # references with more pixels than 1 / this of the canvas's are shrunk to it
NEAR = 0.09  # radius in sides of the crop within which a painted colour must occur in a reference
BESIDE = 0.03  # and in the warped references: a shadow of lips that did not come along is a spot
LEEWAY = 8 / 255  # and by how much it may miss the range of those colours
AGREE = 0.12  # change of colour, in [0, 1], at which a reference's own detail has faded to 1 / e
TORN = 3.0  # px of the nets' crops: neighbours whose sources lie so far apart tear the picture
THIN = 1.5  # px of the nets' crops: between lips that are no farther apart nothing is seen
MIXED = 3  # times the share of a pixel that none shows: so much of its change is not the lips' own
DETAIL = 1.0  # px of the nets' crops: finer than that is the texture of one reference
SPREAD = 1.5  # px of the nets' crops over which colours are continued beyond an edge
MOUTH_GROW = 0.02  # in sides of the crop: around the inner lips any colour may be painted


class Sources(NamedTuple):
  """The N references as `compose` reads them; S is the side of the nets' crops in px."""
  pictures: Sequence[UInt8[np.ndarray, 'h w 3']]  # around each face, at most at the canvas's scale
  origins: Float[np.ndarray, 'N 2']  # the crop's corner in each picture, px
  sides: Float[np.ndarray, 'N 2']  # the crop's sides in it, px
  low: Float[np.ndarray, 'S S 3']  # the darkest and the brightest colours that any reference
  high: Float[np.ndarray, 'S S 3']  # holds near a place, in [0, 1]


def sources(frames: Sequence[UInt8[np.ndarray, 'H W 3']], boxes: Float[np.ndarray, 'N 4'],
            crops: UInt8[np.ndarray, 'N S S 3'], side: float) -> Sources:
  """What `compose` needs of the references, once per video.

  Args:
    crops: the faces as the nets see them.
    side: px of the crop's side in the frames that will be made.
  """
  pictures, origins, sides = [], [], []
  for frame, box in zip(frames, boxes):
    corner, extent = box[:2], box[2:] - box[:2]
    low = np.maximum(np.floor(corner - MARGIN * extent), 0).astype(int)
    high = np.minimum(np.ceil(corner + (1 + MARGIN) * extent), frame.shape[1::-1]).astype(int)
    high = np.maximum(high, low + 1)
    cut = frame[low[1]:high[1], low[0]:high[0]]
    scale = np.ones(2)
    if side < SHRINK_FROM * extent.max():
      small = np.maximum(np.rint((high - low) * side / extent.max()), 1).astype(int)
      cut = cv2.resize(cut, tuple(map(int, small)), interpolation=cv2.INTER_AREA)
      scale = small / (high - low)
    pictures.append(np.ascontiguousarray(cut))
    origins.append((corner - low) * scale)
    sides.append(extent * scale)
  disc = _disc(NEAR * crops.shape[1])
  low = np.min([cv2.erode(crop, disc) for crop in crops], axis=0)
  high = np.max([cv2.dilate(crop, disc) for crop in crops], axis=0)
  return Sources(pictures, np.float32(origins), np.float32(sides), low / np.float32(255),
                 high / np.float32(255))


def compose(painted: Painting, references: Sources, landmarks: Float[np.ndarray, '131 2'],
            box: Float[np.ndarray, '4'], region: Region,
            flow: Float[np.ndarray, 'N F F 3'] | None = None) -> Float[np.ndarray, 'h w 3']:
  """The face, in 8-bit levels, in the pixels of a `region` (left, top, right, bottom) of a frame.

  Args:
    painted: one frame of a batch.
    landmarks: of the drawn face, in the crop.
    box: the crop's place in the frame, px.
    flow: `preprocess.landmark_flow`, finer than the painted displacement, where that is it.
  """
  beside = _disc(BESIDE * len(painted.image))
  image = painted.image.clip(references.low - LEEWAY, references.high + LEEWAY).clip(
    cv2.erode(painted.warped, beside) - LEEWAY, cv2.dilate(painted.warped, beside) + LEEWAY)
  mouth = _opening(landmarks, len(image))
  image += _grown(mouth, len(image)) * (painted.image - image)
  change = image - painted.warped
  if flow is not None:  # what no reference shows has an edge of its own, as sharp as the lips
    hidden = 1 - flow[..., 2].max(axis=0)
    unseen = cv2.resize(hidden, image.shape[:2], interpolation=cv2.INTER_AREA)
    change = _spread(change, 1 - (MIXED * unseen).clip(0, 1))
  agreement = np.exp(-np.square(change.mean(axis=-1) / AGREE))
  enlarge = enlarger(len(image), box, region)
  left, top, right, bottom = region
  x, y = ((np.arange(*ends, dtype=np.float32) + 0.5 - at) / extent for ends, at, extent in (
    ((left, right), box[0], box[2] - box[0]), ((top, bottom), box[1], box[3] - box[1])))
  mixed, whole, fine = 0.0, 0.0, 0.0
  # Colours of references mix softly, but a mean of two is blurred: the finest detail is of one.
  largest = np.arange(len(painted.share))[:, None, None] == painted.share.argmax(axis=0)
  grain = DETAIL * (box[2:] - box[:2]).max() / len(image)
  if flow is None:
    agreement *= _followed(painted)
    shifts = [enlarge(displacement, cv2.INTER_CUBIC) for displacement in painted.displacement]
  else:
    by_landmarks = enlarger(flow.shape[1], box, region)
    shifts = [by_landmarks(known[..., :2]) for known in flow]
  for picture, origin, side, shift, share, own in zip(
      references.pictures, references.origins, references.sides, shifts, painted.share, largest):
    source = cv2.remap(
      picture, (x + shift[..., 0]) * side[0] + origin[0] - 0.5,
      (y[:, None] + shift[..., 1]) * side[1] + origin[1] - 0.5,
      cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    weight = enlarge(share)[..., None]
    mixed, whole = mixed + weight * source, whole + weight
    if len(largest) > 1:
      blurred = cv2.GaussianBlur(source, (0, 0), grain).astype(np.float32)
      fine += (enlarge(np.float32(own))[..., None] - weight) * (source - blurred)
  detail = mixed / whole + fine
  smooth = 255 * enlarge(painted.warped, cv2.INTER_CUBIC)
  face = (smooth + enlarge(agreement)[..., None] * (detail - smooth)
          + 255 * enlarge(change, cv2.INTER_CUBIC))
  if flow is None:
    return face
  inside = 255 * enlarge(_spread(painted.image, unseen), cv2.INTER_CUBIC)
  edge = (by_landmarks(hidden)
          * enlarger(len(mouth), box, region)(cv2.blur(mouth, (3, 3))) / 255)
  return face + edge[..., None] * (inside - face)


def _spread(values, known):
  """(S, S, 3) as it is where `known` (S, S) is 1, and from there as far as it is not."""
  mean = lambda x: cv2.GaussianBlur(x, (0, 0), SPREAD)
  share = np.square(known)[..., None]
  around = mean(share * values) / np.maximum(mean(share[..., 0])[..., None], 1e-6)
  return around + share * (values - around)


def _followed(painted) -> Float[np.ndarray, 'S S']:
  """How far the flow may be followed at another resolution: not where it tears, nor out of the
  references' crops, beyond which the nets see black."""
  size = painted.share.shape[-1]
  centres = (np.stack(np.meshgrid(*[np.arange(size)] * 2), -1) + 0.5) / size
  sure = np.zeros((size, size), np.float32)
  around = np.ones((3, 3), np.uint8)
  for displacement, share in zip(painted.displacement, painted.share):
    spread = (cv2.dilate(displacement, around) - cv2.erode(displacement, around)).max(axis=-1)
    source = centres + displacement
    inside = ((source > 0) & (source < 1)).all(axis=-1)
    sure += share * inside * np.exp(-(spread * size / TORN)**4)
  return cv2.erode(sure, around)


def _disc(radius):
  """A structuring element of that many px, at least 1."""
  return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(radius)) + 1,) * 2)


def _opening(landmarks, size):
  """255 between the lips, without thin corners, on FINER * size px a side."""
  return cv2.morphologyEx(fine_mouth(landmarks, size), cv2.MORPH_OPEN, _disc(FINER * THIN / 2))


def _grown(mask, size):
  """(size, size, 1) in [0, 1]: that opening and MOUTH_GROW around it."""
  mask = cv2.dilate(mask, _disc(MOUTH_GROW * len(mask)))
  return cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
