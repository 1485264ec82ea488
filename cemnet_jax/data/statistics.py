"""Mean and deviation of landmarks in the face's own frame, over the training clips of a dataset."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.stable_frame import align

STD_FLOOR = 0.15  # of the mean std: the seven fitted points hardly move


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
