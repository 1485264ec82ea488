"""What a camera and its codec make of clean pictures: blur, colour cast, noise, JPEG blocks.

A speaker is filmed by one camera; its noise changes from frame to frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg

_CAMERA_STREAM, _NOISE_STREAM = 61, 62
_BANK = 64  # a noise picture is larger than a frame by this many px, and cut at a random place


@dataclass(frozen=True)
class Camera:
  """How one speaker's pictures are taken."""

  speaker: int
  distance: float  # from the head, head units
  blur: float  # sigma, thousandths of the picture's side
  noise: float  # standard deviation, grey levels
  gain: Float[np.ndarray, '3']  # of each colour
  gamma: float
  jpeg: int  # quality, 0: no JPEG

  def expose(self, frames: UInt8[np.ndarray, 'T S S 3'], take: tuple[int, ...]
             ) -> UInt8[np.ndarray, 'T S S 3']:
    """The pictures as this camera stores them; `take` names the noise."""
    size = frames.shape[1]
    level = 255 * np.clip((np.arange(256)[:, None] / 255) ** self.gamma * self.gain, 0, 1)
    curve = np.round(level).astype(np.uint8)[:, None]
    random = np.random.Generator(np.random.PCG64([_NOISE_STREAM, self.speaker, *take]))
    bank = self.noise * random.standard_normal((size + _BANK, size + _BANK, 3), np.float32)
    bank = np.round(bank).astype(np.int16)
    places = random.integers(0, _BANK, (len(frames), 2))
    sigma = self.blur * size / 1000
    out = np.empty_like(frames)
    for frame, (y, x), store in zip(frames, places, out, strict=True):
      if sigma > .25:
        frame = cv2.GaussianBlur(frame, (0, 0), sigma)
      frame = cv2.add(cv2.LUT(frame, curve), bank[y:y + size, x:x + size], dtype=cv2.CV_8U)
      if self.jpeg:
        frame = decode_jpeg(encode_jpeg(frame, self.jpeg))
      store[:] = frame
    return out


def make_camera(speaker: int) -> Camera:
  """The camera that films `speaker`: from nearly perfect to a poor one."""
  random = np.random.Generator(np.random.PCG64([_CAMERA_STREAM, speaker]))
  u = random.uniform
  warmth, tint, poor = random.normal(0, .05), random.normal(0, .02), u(0, 1)
  gain = u(.82, 1.12) * np.array([1 + warmth, 1 + tint, 1 - warmth])
  return Camera(
    speaker=speaker, distance=1 / u(1 / 30, 1 / 10), blur=4 * poor ** 3,
    noise=.4 + 4 * u(0, 1) ** 2, gain=gain, gamma=float(np.exp(random.normal(0, .12))),
    jpeg=int(random.integers(45, 90)) if u(0, 1) < .4 else 0)
