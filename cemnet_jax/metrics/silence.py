"""How much a mouth moves while nothing is said."""

import numpy as np
from jaxtyping import Bool, Float

from cemnet_jax.metrics.lmd import FACE_SIZE
from cemnet_jax.metrics.mouth_opening import content_opening
from cemnet_jax.metrics.sound_energy import sound_energy
from cemnet_jax.metrics.tally import Tally

BELOW_LOUDEST = 10 ** (-40 / 20)  # -40 dB: weak fricatives lie some 30 dB below stressed vowels
FLOOR = 10 ** (-80 / 20)  # of full scale, 3 steps of 16 bits: noise, also where nothing is louder
MIN_FRAMES = 3  # 120 ms: shorter gaps are closures of stops, part of speech


def silent_frames(audio: Float[np.ndarray, ' S'], num_frames: int) -> Bool[np.ndarray, ' T']:
  """Video frames that lie in a pause of at least `MIN_FRAMES` frames.

  A frame is quiet where the RMS of its 640 samples is at most -40 dB of the clip's loudest
  frame, or -80 dB of full scale. Frames beyond the end of the audio are quiet.

  Args:
    audio: 16 kHz, [-1, 1], starting with the video.
    num_frames: T.
  """
  loudness = sound_energy(audio, num_frames)
  quiet = loudness <= max(BELOW_LOUDEST * loudness.max(initial=0), FLOOR)
  return _without_short_runs(quiet, MIN_FRAMES)


def silence_motion(content: Float[np.ndarray, 'T 57 2'], silent: Bool[np.ndarray, ' T'], *,
                   size: float = FACE_SIZE) -> Tally:
  """|Change of the inner lips' gap| from frame to frame, px of a 256 face, within silence.

  Real mouths open just before speech and close just after: compare with the real clip, or with
  the motion in speech, which is `silence_motion(content, ~silent)`.

  Args:
    content: content points in the crop or the stable frame, [0, 1].
    silent: as `silent_frames` says; a step counts where both its frames are silent.
    size: px that the unit of the input stands for.

  Returns:
    (sum of the changes, number of steps).
  """
  steps = silent[1:] & silent[:-1]
  change = np.abs(np.diff(content_opening(content)))
  return Tally(float(size * change[steps].sum()), float(steps.sum()))


def _without_short_runs(quiet, shortest):
  edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(int)))
  kept = np.zeros_like(quiet)
  for start, stop in edges.reshape(-1, 2):
    kept[start:stop] = stop - start >= shortest
  return kept
