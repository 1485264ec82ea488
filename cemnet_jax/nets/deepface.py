"""Emotion scorer: DeepFace's expression CNN on gray 48 x 48 faces (spec 9.2)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import gray, max_pool, scaled

INPUT_SIZE = 48
HIDDEN = 1024
BLANK = 0.5  # mid-grey
START = nn.initializers.he_normal()  # seven layers without BatchNorm: signals must not fade


def blank_upper_half(images: Float[Array, '*B H W C']) -> Float[Array, '*B H W C']:
  """Rows above H/2 become mid-grey: what the emotion of the lower half is read from."""
  height = images.shape[-3]
  lower = (jnp.arange(height) >= height // 2)[:, None, None]
  return jnp.where(lower, images, BLANK)


class DeepFaceEmotion(nn.Module):
  """Five convolutions and three dense layers without BatchNorm, as published.

  The public weights tell seven emotions, without contempt, in another order; `width` scales all
  channels for small data.
  """
  classes: int = 8
  width: float = 1.0
  dropout: float = 0.2

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], *, train: bool
               ) -> tuple[Float[Array, 'B D'], Float[Array, 'B E']]:
    """RGB (B, H, W, 3) in [0, 1] -> (features (B, 1024 * width), logits (B, classes))."""
    b = images.shape[0]
    x = jax.image.resize(gray(images), (b, INPUT_SIZE, INPUT_SIZE, 1), 'linear')
    x = self._conv(0, 64, 5, x)
    # One axis after the other: the same maxima of 10 shifted pictures instead of 25.
    x = max_pool(max_pool(x, (5, 1), (2, 1)), (1, 5), (1, 2))
    x = nn.avg_pool(self._conv(2, 64, 3, self._conv(1, 64, 3, x)), (3, 3), (2, 2))
    x = nn.avg_pool(self._conv(4, 128, 3, self._conv(3, 128, 3, x)), (3, 3), (2, 2))
    x = x.reshape(b, -1)
    for i in range(2):
      x = nn.relu(nn.Dense(scaled(HIDDEN, self.width), kernel_init=START, name=f'dense_{i}')(x))
      x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return x, nn.Dense(self.classes, name='dense_2')(x)

  def _conv(self, i, channels, kernel, x):
    return nn.relu(nn.Conv(scaled(channels, self.width), (kernel, kernel), padding='VALID',
                           kernel_init=START, name=f'conv_{i}')(x))
