"""Frames of one speaker: the renderer's crops, at their own or the picture's resolution, pasted."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.infer import RESOLUTIONS, forward, native, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.references import References
from cemnet_jax.preprocess.crop import crop_frame
from cemnet_jax.preprocess.landmark_flow import landmark_flow

FLOW_SIZE = 256  # px of the landmarks' flow: affine between them, it is enlarged with little loss
MASK_SIZE = 192  # px of the masks' sides: soft edges need no more


class Batch(NamedTuple):
  """B pictures that are painted over, as many as the renderer takes at a time."""
  frames: Sequence[UInt8[np.ndarray, 'H W 3']]
  boxes: Float[np.ndarray, 'B 4']  # px
  known: Float[np.ndarray, 'B 131 2']  # landmarks of their faces, in the crop
  landmarks: Float[np.ndarray, 'K 131 2']  # of those that are drawn; K < B: the rest fills it up
  sketches: UInt8[np.ndarray, 'B T S S']  # of the frames around each
  mel: Float[np.ndarray, 'B 80 16']
  seen: Bool[np.ndarray, ' B'] | None = None  # those without the face stay as they are; None: all


class Painter:
  """Paints with the references of one video; what stays the same in all its frames is made once."""

  def __init__(self, nets: forward.Networks, references: References, side: float,
               resolution: str = 'native', sketch_boxes: Float[np.ndarray, 'N 4'] | None = None):
    """`references` are those the renderer looks at, `side` is that of the canvas's boxes in px;
    with `resolution` 'net' the crops are enlarged as they are. `sketch_boxes`: where pictures that
    are crops already lay in theirs (IP-LAP's sketches depend on it)."""
    if resolution not in RESOLUTIONS:
      raise UserError(f'resolution {resolution!r} is none of {", ".join(RESOLUTIONS)}')
    size, landmarks = nets.image_size, refs.crop_landmarks(references)
    self._nets, self._resolution, self._known = nets, resolution, landmarks
    crops = refs.crops(references, size)
    self._encoded = forward.encode_references(
      nets, crops, forward.sketches(
        nets, landmarks, references.boxes if sketch_boxes is None else sketch_boxes))
    masks = [paste.face_mask(points, size) for points in landmarks]
    self._faces = np.stack(masks) / np.float32(255)
    if resolution == 'native':
      self._sources = native.sources(references.frames, references.boxes, crops, side)

  def paint(self, batches: Iterable[Batch]) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
    """Their pictures with other mouths; the nets draw a batch while the last one is finished."""
    drawn = None
    for batch in batches:
      begun = batch, *self._begun(batch)
      if drawn:
        yield from self._finished(*drawn)
      drawn = begun
    if drawn:
      yield from self._finished(*drawn)

  def _begun(self, batch):
    """The faces as the nets see them, and what these make of them, which need not be there yet."""
    size = self._nets.image_size
    crops = np.stack([crop_frame(frame, box, size)
                      for frame, box in zip(batch.frames, batch.boxes)])
    return crops, forward.paint(
      self._nets, crops, batch.sketches, self._encoded, batch.mel, self._faces,
      self._correspondence(batch.landmarks, len(crops)))

  def _finished(self, batch, crops, painting):
    rows = [forward.Painting(*row) for row in zip(*map(np.asarray, painting))]
    seen = np.ones(len(crops), bool) if batch.seen is None else batch.seen
    return [self._pasted(*of_frame) if here else of_frame[2].copy() for here, *of_frame in zip(
      seen, rows, crops, batch.frames, batch.boxes, batch.known, batch.landmarks)]

  def _correspondence(self, landmarks, count):
    """What `forward.paint` needs of the landmarks, the last repeated to fill a batch of `count`."""
    if not self._nets.landmark_flow:
      return None
    flows = [landmark_flow(points, self._known, self._nets.image_size) for points in landmarks]
    return np.stack(flows + flows[-1:] * (count - len(flows)))

  def _pasted(self, painted, crop, frame, box, known, landmarks):
    mask = paste.lower_face_mask(known, landmarks, MASK_SIZE, painted.face)
    tint = paste.tint(255 * painted.image, crop, known)
    if self._resolution == 'net' or (box[2:] - box[:2]).max() <= len(crop):
      return paste.paste(frame, box, 255 * painted.image + tint, mask)
    region = paste.region_of(frame, box, mask)
    if region is None:
      return frame.copy()
    place = partial(paste.enlarger, box=box, region=region)
    flow = None
    if self._nets.landmark_flow:
      above = int((region[1] - box[1]) / (box[3] - box[1]) * FLOW_SIZE) - 2  # less what it leaks
      flow = landmark_flow(landmarks, self._known, FLOW_SIZE, max(0, above))
    face = native.compose(painted, self._sources, landmarks, box, region, flow)
    face += place(len(crop))(np.broadcast_to(tint, crop.shape).copy())
    return paste.blend(frame, region, face, place(MASK_SIZE)(mask))
