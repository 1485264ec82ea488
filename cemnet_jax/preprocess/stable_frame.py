"""The face's own frame in numpy: twin of `nets.landmark_frame`, which explains it.

Points are complex numbers x + iy; the frame's origin is the centre of the seven STABLE points.
"""

import numpy as np
from jaxtyping import Complex, Float

from cemnet_jax.topology import STABLE, STABLE_TEMPLATE


def turn(landmarks: Float[np.ndarray, 'T 131 2']) -> Complex[np.ndarray, ' T']:
  """What a step (dx + i dy) in the picture is multiplied by to be one in the face's own frame."""
  stable = _complex(landmarks[:, STABLE])
  stable = stable - stable.mean(axis=1, keepdims=True)
  template = STABLE_TEMPLATE[:, 0] + 1j * STABLE_TEMPLATE[:, 1]
  return (stable.conj() @ (template - template.mean())) / (np.abs(stable) ** 2).sum(axis=1)


def align(landmarks: Float[np.ndarray, 'T 131 2']) -> Float[np.ndarray, 'T 131 2']:
  """Landmarks under the least-squares similarity from their STABLE points to the template."""
  points = _complex(landmarks)
  points = points - points[:, STABLE].mean(axis=1, keepdims=True)
  return _real(points * turn(landmarks)[:, None])


def into_picture(steps: Float[np.ndarray, '*T L 2'], landmarks: Float[np.ndarray, 'T 131 2'],
                 ) -> Float[np.ndarray, 'T L 2']:
  """Steps in the face's own frame, of each face or the same in all, as they are in the pictures."""
  return _real(_complex(steps) / turn(landmarks)[:, None])


def _complex(points):
  return points[..., 0] + 1j * points[..., 1]


def _real(points):
  return np.stack([points.real, points.imag], axis=-1)
