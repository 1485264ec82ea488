"""Wav2Lip's lip-sync expert (spec 9.1): do five lower faces and 0.2 s of mel belong together?"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import MEL_TABLE, TableEncoder
from cemnet_jax.nets.wav2lip import level_count

# Channels and residual blocks of the six levels at 96 px; smaller pictures leave out the first.
LEVELS = ((32, 0), (64, 2), (128, 3), (256, 2), (512, 2), (512, 0))
SMALLEST = 24  # px of the whole picture; from less, nothing is left for the last kernel
# The generator's 13 convolutions with one more residual block at 256 channels.
SPEECH_TABLE = (*MEL_TABLE[:11], (256, 3, 1, 1, True), *MEL_TABLE[11:])
EPS = 1e-12  # PyTorch's floor of a norm


def face_table(size: int) -> tuple[tuple, ...]:
  """Rows (channels, kernel, stride, padding, residual) for lower halves of `size` px pictures.

  The second kernel halves the width alone, which makes the 1:2 picture square.

  Raises:
    UserError: `size` is none of 24, 48, 96.
  """
  rows = []
  for i, (channels, residuals) in enumerate(LEVELS[-level_count(size, SMALLEST):]):
    kernel, stride, padding = ((7, 1, 3), (5, (1, 2), 1))[i] if i < 2 else (3, 2, 1)
    rows.append((channels, kernel, stride, padding, False))
    # The opening level has no residual blocks at any size, as at 96 px.
    rows += [(channels, 3, 1, 1, True)] * (residuals if i else 0)
  return (*rows, (512, 3, 1, 0, False), (512, 1, 1, 0, False))


class LipExpert(nn.Module):
  """Two encoders into one space; 512 channels become `dim`, all others `width` times theirs."""
  width: float = 1.0
  dim: int = 512

  @nn.compact
  def __call__(self, lower: Float[Array, 'B 5 h W 3'], mel: Float[Array, 'B 80 16'], *,
               train: bool) -> tuple[Float[Array, 'B D'], Float[Array, 'B D']]:
    """Lower halves in [0, 1] (h = W / 2) and mel -> unit vectors (B, dim) of faces and speech.

    No element is negative, so their cosine is in [0, 1] and stands for the probability of sync.
    """
    b, t, h, w, c = lower.shape
    stacked = lower.transpose(0, 2, 3, 1, 4).reshape(b, h, w, t * c)  # frame by frame
    face = TableEncoder(face_table(w), 2, self.dim, self.width, nn.relu, name='face')(
      stacked, train=train)
    speech = TableEncoder(SPEECH_TABLE, 2, self.dim, self.width, nn.relu, name='speech')(
      mel[..., None], train=train)
    return _unit(face), _unit(speech)


def _unit(x):
  # The floor is inside the root: a vector of zeros, which ReLU allows, then has finite gradients.
  return x / jnp.sqrt(jnp.maximum(jnp.square(x).sum(-1, keepdims=True), EPS**2))
