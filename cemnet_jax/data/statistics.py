"""Mean and deviation of landmarks in the face's own frame, over the training clips of a dataset.

numpy twin of `nets.landmark_frame`, which explains the frame.
"""

import numpy as np
from jaxtyping import Float

from cemnet_jax.data.source import Clips
from cemnet_jax.topology import STABLE, STABLE_TEMPLATE

STD_FLOOR = 0.15  # of the mean std: the seven fitted points hardly move


def align(landmarks: Float[np.ndarray, 'T 131 2']) -> Float[np.ndarray, 'T 131 2']:
  """Landmarks under the least-squares similarity from their STABLE points to the template.

  The origin is the centre of the seven points.
  """
  points = landmarks[..., 0] + 1j * landmarks[..., 1]
  template = STABLE_TEMPLATE[:, 0] + 1j * STABLE_TEMPLATE[:, 1]
  points = points - points[:, STABLE].mean(axis=1, keepdims=True)
  stable, target = points[:, STABLE], template - template.mean()
  scale_rot = (stable.conj() @ target) / (np.abs(stable) ** 2).sum(axis=1)
  aligned = points * scale_rot[:, None]
  return np.stack([aligned.real, aligned.imag], axis=-1)


def landmark_statistics(data_dir, name: str, split: str = 'train', max_clips: int = 2000
                        ) -> dict[str, Float[np.ndarray, '131 2']]:
  """'mean' and 'std' of aligned landmarks over all frames of at most `max_clips` clips.

  Args:
    name: of the clips dataset; clips are taken evenly from its `split`.
  """
  clips = Clips(data_dir, name)
  chosen = np.array(clips.ranges[split])
  if len(chosen) > max_clips:
    chosen = chosen[np.linspace(0, len(chosen) - 1, max_clips).astype(int)]
  frames, total, squares = 0, 0.0, 0.0
  for index in chosen:
    aligned = align(clips[index]['landmarks'].astype(np.float64))
    frames += len(aligned)
    total = total + aligned.sum(axis=0)
    squares = squares + (aligned ** 2).sum(axis=0)
  mean = total / frames
  std = np.sqrt(np.maximum(squares / frames - mean ** 2, 0))
  std = std + STD_FLOOR * std.mean()
  return {'mean': mean.astype(np.float32), 'std': std.astype(np.float32)}
