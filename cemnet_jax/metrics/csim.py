"""Identity preservation: cosine of face embeddings of generated and real frames."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.metrics.tally import EMPTY, Tally

TINY = 1e-12  # below it an embedding has no direction: its cosine is 0


def csim(generated: Float[np.ndarray, 'T D'], truth: Float[np.ndarray, 'T D']) -> Tally:
  """Mean over frames of the cosine of a generated frame and the same real frame (spec §9).

  Args:
    generated, truth: embeddings of the face network, of any length; name it beside the number.

  Returns:
    (mean, 1) of the clip; nothing counted for a clip of no frames.
  """
  if not len(generated):
    return EMPTY
  a, b = (np.asarray(x, np.float64) for x in (generated, truth))
  lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
  return Tally(float(((a * b).sum(-1) / np.maximum(lengths, TINY)).mean()), 1.)
