"""Identity scorer: the gray ResNet-18 that ronghuaiyang/arcface-pytorch trained on CASIA (spec 5).

Another architecture, input and pooling than the net whose embedding conditions the model.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.arcface import PReLU
from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import conv, gray, max_pool


class GrayBlock(nn.Module):
  """BN, conv, BN, PReLU, conv (stride), BN, plus a shortcut, and the same PReLU again."""
  features: int
  stride: int = 1

  @nn.compact
  def __call__(self, x: Float[Array, 'B H W C'], *, train: bool) -> Float[Array, 'B H2 W2 D']:
    """(B, H, W, C) -> (B, ceil(H/stride), ceil(W/stride), features)."""
    def norm(name):
      return BatchNorm(use_running_average=not train, name=name)

    act = PReLU(shared=True, name='prelu')
    y = conv(x.shape[-1], (3, 3), 1, 1, use_bias=False, name='conv_1')(norm('norm_0')(x))
    y = act(norm('norm_1')(y))
    y = norm('norm_2')(conv(self.features, (3, 3), self.stride, 1, False, 'conv_2')(y))
    if self.stride != 1 or x.shape[-1] != self.features:
      x = conv(self.features, (1, 1), self.stride, use_bias=False, name='shortcut')(x)
      x = norm('shortcut_norm')(x)
    return act(x + y)


class GrayResNet(nn.Module):
  """`resnet_face18` by default; pictures become gray and `input_size` pixels wide."""
  stages: Sequence[int] = (2, 2, 2, 2)
  width: int = 64
  dim: int = 512
  input_size: int = 128
  dropout: float = 0.5

  @nn.compact
  def __call__(self, images: Float[Array, 'B H W 3'], *, train: bool) -> Float[Array, 'B D']:
    """RGB (B, H, W, 3) in [0, 1] -> identity embeddings (B, dim) of length 1."""
    b = images.shape[0]
    x = jax.image.resize(gray(images), (b, self.input_size, self.input_size, 1), 'linear')
    x = conv(self.width, (3, 3), 1, 1, use_bias=False, name='conv')(2 * x - 1)
    x = PReLU(shared=True, name='prelu')(BatchNorm(use_running_average=not train, name='norm')(x))
    x = max_pool(x, (2, 2), (2, 2))
    for i, blocks in enumerate(self.stages):
      for j in range(blocks):
        x = GrayBlock(self.width * 2**i, 2 if i and not j else 1, name=f'stage_{i}_{j}')(
          x, train=train)
    x = BatchNorm(use_running_average=not train, name='last_norm')(x)
    x = nn.Dropout(self.dropout, deterministic=not train)(x)
    x = nn.Dense(self.dim, name='linear')(x.reshape(b, -1))
    x = BatchNorm(use_running_average=not train, name='features')(x)
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-6)
