"""Mouths in the face's own frame, where the head's motion is gone, of many clips at once."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float

from cemnet_jax.data.source import Clips
from cemnet_jax.metrics.emotion_accuracy import EVERY, EmotionClassifier
from cemnet_jax.nets import landmark_frame
from cemnet_jax.topology import CONTENT, STABLE, UNKNOWN

Clipwise = Sequence[np.ndarray]  # one array per clip, (T, L, 2), T differing
STEP = 512  # frames are filled up to a multiple, as every other number would compile anew


def stable_content(contents: Clipwise, landmarks: Clipwise) -> list[Float[np.ndarray, 'T 57 2']]:
  """Content points in the face's own frame, which `landmarks` (T, 131, 2) of each clip define."""
  points, whole = (np.concatenate(x).astype(np.float32) for x in (contents, landmarks))
  count = len(points)
  fill = ((0, -count % STEP), (0, 0), (0, 0))
  points, whole = np.pad(points, fill, 'edge'), np.pad(whole, fill, 'edge')
  framed = _framed(points, whole[:, STABLE])
  return np.split(np.asarray(framed)[:count], np.cumsum([len(x) for x in contents])[:-1])


@jax.jit
def _framed(points, stable):
  return landmark_frame.to_frame(points, landmark_frame.fit(stable))


def fit_classifier(clips: Clips) -> EmotionClassifier | None:
  """The landmark scorer of emotion: mouth and jaw of all training clips whose emotion is known.

  None where these show less than two emotions.
  """
  emotion = clips.table['emotion']
  indices = [i for i in clips.ranges['train'] if emotion[i] != UNKNOWN]
  if len(np.unique(emotion[indices])) < 2:
    return None
  landmarks = [clips[i]['landmarks'][::EVERY] for i in indices]
  content = stable_content([x[:, CONTENT] for x in landmarks], landmarks)
  return EmotionClassifier.fit(content, emotion[indices], every=1)
