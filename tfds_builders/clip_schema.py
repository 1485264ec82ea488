"""The record of one talking clip, shared by every clips dataset: what tfds stores and how.

Frames are JPEG byte strings (`Text`, not `Image`) and arrays are raw bytes, so that neither
building nor reading needs TensorFlow, and a window can decode its own frames alone.
"""

import numpy as np
import tensorflow_datasets as tfds

from cemnet_jax.topology import LABELS, NUM_LANDMARKS

SPLITS = ('train', 'val', 'test', 'test_sentence')


def _array(*shape, dtype, doc):
  return tfds.features.Tensor(shape=shape, dtype=dtype, encoding='bytes', doc=doc)


def clip_features(counterfactual: bool = False) -> tfds.features.FeaturesDict:
  """Features of one clip of T frames at 25 fps and S = 640 T samples at 16 kHz.

  `counterfactual` adds `neutral_landmarks`, which only a synthetic world can know.
  """
  text = tfds.features.Text
  points = (None, NUM_LANDMARKS, 2)
  features = {
    'id': text(doc='unique in the dataset'),
    'speaker': text(doc='who speaks'),
    'speaker_index': tfds.features.Scalar(np.int32, doc='train speakers first, contiguous'),
    'emotion': tfds.features.ClassLabel(names=LABELS, doc='`unknown`: nobody labelled it'),
    'intensity': tfds.features.Scalar(np.int32, doc='1 to 3; 0 where unknown'),
    'sentence': text(doc='content key: equal for clips that say the same words'),
    'transcript': text(doc='lower-case words; empty where unknown'),
    'fps': tfds.features.Scalar(np.float32),
    'frames': tfds.features.Sequence(text(), doc='T JPEG pictures of the square crop, RGB'),
    'landmarks': _array(*points, dtype=np.float16, doc='(x, y) in the crop, [0, 1]'),
    'crop_box': _array(None, 4, dtype=np.float32, doc='x0 y0 x1 y1 in px of the raw picture'),
    'audio': _array(None, dtype=np.int16, doc='16 kHz mono, 640 samples a frame'),
    'source': text(doc='raw file, or how the clip was made'),
    'sha256': text(doc='of the raw file, or of the raw arrays'),
  }
  if counterfactual:
    features['neutral_landmarks'] = _array(
      *points, dtype=np.float16, doc='the same speech and pose without any emotion, same crop')
  return tfds.features.FeaturesDict(features)
