"""Whether a face shows the emotion it was asked for: MediaPipe's blendshapes against neutral."""

from collections.abc import Mapping

import numpy as np

# Emotion -> the lower face's blendshapes that its action units raise (+1) or lower (-1): AU12 of
# happy; AU15 and AU17 of sad; AU23 and AU24 (lips narrowed, rolled in, pressed) of angry; AU26 and
# AU25 of surprised; AU9, AU10, AU15 and AU17 of disgusted (EMFACS). Brows and eyes are not asked
# for: the upper face is the reference's.
EXPECTED = {
  'happy': {'mouthSmile': 1, 'mouthDimple': 1, 'mouthPucker': -1, 'mouthFrown': -1},
  'sad': {'mouthFrown': 1, 'mouthShrugLower': 1, 'mouthSmile': -1},
  'angry': {'mouthPress': 1, 'mouthRollLower': 1, 'mouthPucker': 1, 'mouthSmile': -1},
  'surprised': {'jawOpen': 1, 'mouthLowerDown': 1},
  'disgusted': {'noseSneer': 1, 'mouthUpperUp': 1, 'mouthFrown': 1, 'mouthShrugLower': 1,
                'mouthSmile': -1}}
SIDES = 'Left', 'Right'


def joined(scores: Mapping[str, float]) -> dict[str, float]:
  """Blendshapes with the mean of left and right under the common name: 'mouthSmile', ..."""
  pairs = {}
  for name, value in scores.items():
    side = next((side for side in SIDES if name.endswith(side)), '')
    pairs.setdefault(name.removesuffix(side), []).append(float(value))
  return {name: float(np.mean(values)) for name, values in pairs.items()}


def effect(shown: Mapping[str, float], neutral: Mapping[str, float]) -> dict[str, float]:
  """Mean blendshapes of a video minus those of the same face and speech made neutral, joined."""
  shown, neutral = joined(shown), joined(neutral)
  return {name: shown[name] - neutral[name] for name in neutral}


def effect_share(drawn: Mapping[str, float], real: Mapping[str, float], emotion: str) -> float:
  """How much of the effect that `real` clips of the emotion show is in the `drawn` ones.

  Effects of the expected shapes, each in its expected direction, are summed on both sides; a shape
  that the real clips themselves move the other way says nothing and is left out. 1 is as much, 0
  none, below 0 the opposite; NaN where the real clips show nothing.
  """
  wanted = {name: sign for name, sign in EXPECTED[emotion].items() if sign * real[name] > 0}
  whole = sum(sign * real[name] for name, sign in wanted.items())
  return sum(sign * drawn[name] for name, sign in wanted.items()) / whole if whole else float('nan')
