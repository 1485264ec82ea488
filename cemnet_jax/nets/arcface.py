"""Identity embedding, spec 5: ArcFace's improved ResNet from a face crop to a unit vector."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import conv


class PReLU(nn.Module):
  """Leaky ReLU with one learned slope per channel, or one for all (`shared`); 0.25 at first."""
  shared: bool = False

  @nn.compact
  def __call__(self, x: Float[Array, '*B C']) -> Float[Array, '*B C']:
    """(..., C) -> (..., C)."""
    slope = self.param('slope', nn.initializers.constant(0.25),
                       (1 if self.shared else x.shape[-1],))
    return jnp.where(x >= 0, x, slope * x)


class IRBlock(nn.Module):
  """BN, conv, BN, PReLU, conv (stride), BN, plus a shortcut: insightface's block."""
  features: int
  stride: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W C'], *, train: bool) -> Float[Array, 'B H2 W2 D']:
    """(B, H, W, C) -> (B, H/stride, W/stride, features)."""
    def norm(name):
      return BatchNorm(use_running_average=not train, name=name)

    y = conv(self.features, (3, 3), 1, 1, use_bias=False, name='conv_1')(norm('norm_1')(x))
    y = PReLU(name='prelu')(norm('norm_2')(y))
    y = norm('norm_3')(conv(self.features, (3, 3), self.stride, 1, False, 'conv_2')(y))
    if self.stride != 1:
      x = conv(self.features, (1, 1), self.stride, use_bias=False, name='shortcut')(x)
      x = norm('shortcut_norm')(x)
    return x + y


class IResNet(nn.Module):
  """IResNet-50 by default; (3, 13, 30, 3) is IResNet-100. Pictures are resized to `input_size`."""
  stages: Sequence[int] = (3, 4, 14, 3)
  width: int = 64
  dim: int = 512
  input_size: int = 112

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], *, train: bool) -> Float[Array, 'B D']:
    """RGB (B, H, W, 3) in [0, 1] -> identity embeddings (B, dim) of length 1."""
    shape = (images.shape[0], self.input_size, self.input_size, 3)
    if images.shape != shape:
      images = jax.image.resize(images, shape, 'bilinear')
    x = conv(self.width, (3, 3), 1, 1, use_bias=False, name='conv')(2 * images - 1)
    x = PReLU(name='prelu')(BatchNorm(use_running_average=not train, name='norm')(x))
    for i, blocks in enumerate(self.stages):
      for j in range(blocks):
        x = IRBlock(self.width * 2**i, 1 if j else 2, name=f'stage_{i}_{j}')(x, train=train)
    x = BatchNorm(use_running_average=not train, name='last_norm')(x)
    x = nn.Dense(self.dim, name='linear')(x.reshape(x.shape[0], -1))
    # insightface freezes this scale at 1, so it is no parameter here.
    x = BatchNorm(use_running_average=not train, use_scale=False, name='features')(x)
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-6)
