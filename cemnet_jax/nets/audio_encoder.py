"""Audio encoders of emotion, timbre and content, their heads, the decoder (spec 3.3, 3.4)."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import ConvBlock, max_pool, scaled

MFCC_SCALE = 90.0  # EVP's decoder ends in 90 tanh; MFCC values stay within about +-90

# Eight convolutions (channels) with the max-pools (window, stride) between them.
CONV_TABLE = (
  (64,), (64,), ((1, 3), (1, 2)), (128,), (128,), (256,), (256,), ((12, 1), (12, 1)),
  (512,), (512,), ((1, 2), (1, 2)))

# EVP's transposed convolutions: channels, kernel, stride, padding.
DECODER_TABLE = (
  (256, (6, 6), (2, 2), (1, 1)), (128, (4, 2), (2, 2), (1, 1)), (64, (4, 4), (2, 2), (1, 1)),
  (32, (4, 3), (2, 1), (3, 1)), (1, (3, 3), (1, 1), (1, 1)))

he = nn.initializers.he_normal()


class AudioEncoder(nn.Module):
  """8 convolutions and 3 fully connected layers with ReLU: one MFCC window -> one embedding."""
  width: float = 1.0
  hidden: Sequence[int] = (2048, 512)
  dim: int = 128

  @nn.compact
  def __call__(self, mfcc: Float[Array, '*B 28 12'], *, train: bool,
               mask: Float[Array, '*B'] | None = None) -> Float[Array, '*B D']:
    """(..., 28, 12) MFCC windows -> (..., dim), not negative; mask (...): 1 for windows that count
    in the statistics of a batch, 0 for padding."""
    lead = mfcc.shape[:-2]
    mask = None if mask is None else mask.reshape(-1)
    x = mfcc.reshape(-1, 28, 12).transpose(0, 2, 1)[..., None]  # B 12 28 1
    for i, row in enumerate(CONV_TABLE):
      if len(row) == 2:
        x = max_pool(x, *row)
      else:
        x = ConvBlock(scaled(row[0], self.width), (3, 3), padding=1, use_bias=False,
                      name=f'conv_{i}')(x, train=train, mask=mask)
    x = x.reshape(x.shape[0], -1)
    for i, features in enumerate((*self.hidden, self.dim)):
      x = nn.relu(nn.Dense(features, kernel_init=he, name=f'dense_{i}')(x))
    return x.reshape(*lead, self.dim)


class PointDeconv(nn.Module):
  """A transposed convolution of a single pixel: a matrix product with the kernel's inside.

  Parameters as nn.ConvTranspose has them; that would convolve 36 taps over 35 zeros, and slowly.
  """
  features: int
  kernel: tuple[int, int]
  padding: tuple[int, int]

  @nn.compact
  def __call__(self, x: Float[Array, 'B 1 1 C']) -> Float[Array, 'B H W D']:
    """(B, 1, 1, C) -> (B, kernel - 2*padding, ..., features)."""
    kernel = self.param('kernel', he, (*self.kernel, x.shape[-1], self.features))
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    inside = tuple(slice(p, k - p) for p, k in zip(self.padding, self.kernel))
    return jnp.einsum('bc,ijcd->bijd', x[:, 0, 0], kernel[::-1, ::-1][inside]) + bias


class AudioDecoder(nn.Module):
  """EVP's deconvolution decoder: three concatenated embeddings -> one MFCC window."""
  width: float = 1.0

  @nn.compact
  def __call__(self, z: Float[Array, '*B D3'], *, train: bool,
               mask: Float[Array, '*B'] | None = None) -> Float[Array, '*B 28 12']:
    """(..., 3*dim) -> (..., 28, 12) on the scale of MFCCs, within +-90; mask (...): 1 for mixtures
    that count in the statistics of a batch."""
    lead = z.shape[:-1]
    mask = None if mask is None else mask.reshape(-1)
    x = z.reshape(-1, 1, 1, z.shape[-1])
    for i, (channels, kernel, stride, padding) in enumerate(DECODER_TABLE):
      last = i == len(DECODER_TABLE) - 1
      features = 1 if last else scaled(channels, self.width)
      if x.shape[1:3] == (1, 1):
        x = PointDeconv(features, kernel, padding, name=f'deconv_{i}')(x)
      else:
        # A transposed convolution pads its dilated input by kernel - 1 - padding.
        pads = [(k - 1 - p, k - 1 - p) for k, p in zip(kernel, padding)]
        x = nn.ConvTranspose(features, kernel, stride, pads, kernel_init=he,
                             name=f'deconv_{i}')(x)
      if not last:
        x = nn.relu(BatchNorm(use_running_average=not train, name=f'norm_{i}')(x, mask=mask))
    return MFCC_SCALE * jnp.tanh(x).reshape(*lead, 28, 12)


class ClassHead(nn.Module):
  """Linear classifier of emotions (C_e, 8 classes) or of training speakers (C_t)."""
  classes: int

  @nn.compact
  def __call__(self, embedding: Float[Array, '*B D']) -> Float[Array, '*B E']:
    """(..., D) -> logits (..., classes)."""
    return nn.Dense(self.classes, name='linear')(embedding)


class EmotionClassifier(nn.Module):
  """An audio encoder and its classifier, "with the last softmax removed": Table IV's w/o AEE."""
  width: float = 1.0
  hidden: Sequence[int] = (2048, 512)
  embedding: int = 128
  dim: int = 8  # classes: the width of what it gives, as of `AudioEncoder.dim`

  @nn.compact
  def __call__(self, mfcc: Float[Array, '*B 28 12'], *, train: bool) -> Float[Array, '*B E']:
    """(..., 28, 12) MFCC windows -> (..., dim) logits."""
    encoder = AudioEncoder(self.width, self.hidden, self.embedding, name='encoder')
    return ClassHead(self.dim, name='head')(encoder(mfcc, train=train))


class TranscriptHead(nn.Module):
  """Bidirectional GRU and a linear layer: embeddings of a clip's windows -> character logits."""
  hidden: int = 256
  vocab: int = 29

  @nn.compact
  def __call__(self, embeddings: Float[Array, 'B W D'], lengths: Int[Array, ' B'],
               ) -> Float[Array, 'B W V']:
    """(B, W, D) with `lengths` (B,) valid windows -> CTC logits (B, W, vocab); 0 is the blank."""
    x = nn.Bidirectional(
      nn.RNN(nn.GRUCell(self.hidden)), nn.RNN(nn.GRUCell(self.hidden)), name='gru',
    )(embeddings, seq_lengths=lengths)
    return nn.Dense(self.vocab, name='linear')(x)
