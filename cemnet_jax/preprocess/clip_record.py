"""One clip's arrays -> the record that every clips dataset stores (`tfds_builders.clip_schema`)."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int16, UInt8

from cemnet_jax.preprocess.crop import crop_frame, encode_jpeg, iplap_boxes, stable_boxes, to_crop
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME

CROPS = ('stable', 'iplap')


def make_record(
    frames: Iterable[UInt8[np.ndarray, 'H W 3']], landmarks_px: Float[np.ndarray, 'T 131 2'],
    audio: Int16[np.ndarray, ' S'], *, size: int, crop: str = 'stable',
    neutral_landmarks_px: Float[np.ndarray, 'T 131 2'] | None = None, **meta,
) -> dict:
  """Crops, encodes and measures one clip at 25 fps.

  Args:
    frames: T RGB pictures of the raw video; an iterator is read once.
    landmarks_px: in px of those pictures.
    audio: 16 kHz mono, S = 640 T.
    size: side of the square crop in px.
    crop: 'stable' or 'iplap', see `preprocess.crop`.
    neutral_landmarks_px: what the face would show without emotion, if known; same crop.
    **meta: the other features: id, speaker, speaker_index, emotion, intensity, sentence,
      transcript, source, sha256.

  Raises:
    ValueError: T differs between frames, landmarks and audio.
  """
  if crop not in CROPS:
    raise ValueError(f'crop is one of {CROPS}, not {crop!r}')
  boxes = stable_boxes(landmarks_px) if crop == 'stable' else iplap_boxes(landmarks_px)
  jpegs = [encode_jpeg(crop_frame(f, b, size)) for f, b in zip(frames, boxes, strict=True)]
  if len(audio) != len(jpegs) * SAMPLES_PER_FRAME:
    raise ValueError(f'{len(jpegs)} frames need {len(jpegs) * SAMPLES_PER_FRAME} audio samples, '
                     f'not {len(audio)}')
  record = {'fps': np.float32(FPS), 'frames': jpegs, 'crop_box': boxes,
            'landmarks': to_crop(landmarks_px, boxes).astype(np.float16), 'audio': audio, **meta}
  if neutral_landmarks_px is not None:
    record['neutral_landmarks'] = to_crop(neutral_landmarks_px, boxes).astype(np.float16)
  return record
