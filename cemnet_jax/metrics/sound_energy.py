"""How loud the sound of each video frame is."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.topology import SAMPLES_PER_FRAME


def sound_energy(audio: Float[np.ndarray, ' S'], num_frames: int) -> Float[np.ndarray, ' T']:
  """Root mean square of the 640 samples of each frame; 0 beyond the end of the sound.

  Args:
    audio: 16 kHz, [-1, 1], starting with the video.
    num_frames: T.
  """
  samples = num_frames * SAMPLES_PER_FRAME
  audio = np.asarray(audio[:samples], np.float64)
  frames = np.pad(audio, (0, samples - len(audio))).reshape(num_frames, SAMPLES_PER_FRAME)
  return np.sqrt((frames ** 2).mean(-1))
