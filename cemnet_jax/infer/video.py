"""A finished talking video and how it is saved."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.encode import write_video


class TalkingVideo(NamedTuple):
  """T frames at 25 fps and S = 640 T samples at 16 kHz."""
  frames: UInt8[np.ndarray, 'T H W 3']
  audio: Float[np.ndarray, ' S']
  landmarks: Float[np.ndarray, 'T 131 2']  # what was drawn, in crop coordinates

  def save(self, path) -> None:
    """Writes an mp4; UserError when it cannot be written, and then leaves nothing behind."""
    write_video(path, self.frames, self.audio)
