"""SyncNet: five lip frames and 0.2 s of MFCC -> two embeddings whose distance tells sync (9.1)."""

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import ConvBlock, max_pool, scaled


class _Head(nn.Module):
  """FC, BatchNorm, ReLU, FC at the end of each tower."""
  hidden: int
  dim: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B C'], *, train: bool) -> Float[Array, 'B D']:
    x = nn.Dense(self.hidden, name='dense_0')(x)
    x = nn.relu(BatchNorm(use_running_average=not train, name='norm')(x))
    return nn.Dense(self.dim, name='dense_1')(x)


class SyncNet(nn.Module):
  """The two towers of syncnet_v2; `width` scales the channels, the last kernel covers its map.

  Frames become `input_size` pixels wide (0: as they come). With `mouth` the lip tower sees only the
  middle half of the lower half, so that small pictures show lips large enough.
  """
  width: float = 1.0
  dim: int = 1024
  input_size: int = 0
  mouth: bool = False

  @nn.compact
  def __call__(self, frames: Float[Array, 'B 5 H W 3'] | None,
               mfcc: Float[Array, 'B 13 20'] | None, *, train: bool
               ) -> tuple[Float[Array, 'B D'] | None, Float[Array, 'B D'] | None]:
    """RGB frames (B,5,H,W,3) in [0,1] (the public net: 224x224), mfcc (B,13,20) -> two (B, dim).

    None for an input that is not asked about, and for its output.
    """
    return (None if frames is None else self.lip(frames, train),
            None if mfcc is None else self.audio(mfcc, train))

  def _block(self, name, x, train, channels, kernel, stride=1, padding=0):
    return ConvBlock(scaled(channels, self.width), kernel, stride, padding, name=name)(
      x, train=train)

  def audio(self, mfcc, train):
    """(B, 13, 20) MFCC, coefficients by frames -> (B, dim)."""
    x = mfcc[..., None]
    for i, channels in enumerate((64, 192)):
      x = self._block(f'audio_{i}', x, train, channels, (3, 3), padding=1)
    x = max_pool(x, (3, 3), (1, 2))
    for i, channels in enumerate((384, 256, 256)):
      x = self._block(f'audio_{i + 2}', x, train, channels, (3, 3), padding=1)
    x = max_pool(x, (3, 3), (2, 2))
    x = self._block('audio_5', x, train, 512, x.shape[1:3])
    return _Head(scaled(512, self.width), self.dim, name='audio_head')(
      x.reshape(x.shape[0], -1), train=train)

  def lip(self, frames, train):
    """(B, 5, H, W, 3) RGB in [0, 1] -> (B, dim)."""
    if self.mouth:
      h, w = frames.shape[2:4]
      frames = frames[:, :, h // 2:, w // 4:w // 4 + w // 2]
    b, t, h, w, c = frames.shape
    if self.input_size and h != self.input_size:
      h = w = self.input_size
      frames = jax.image.resize(frames, (b, t, h, w, c), 'linear')
    # The public net eats BGR 0-255; its (5,7,7) kernel sees all five frames at once, so it is a
    # 2-D convolution over 15 channels, frame by frame.
    x = 255.0 * frames[..., ::-1].transpose(0, 2, 3, 1, 4).reshape(b, h, w, t * c)
    x = self._block('lip_0', x, train, 96, (7, 7), 2)
    x = max_pool(x, (3, 3), (2, 2))
    x = self._block('lip_1', x, train, 256, (5, 5), 2, 1)
    x = max_pool(x, (3, 3), (2, 2), 1)
    for i in range(3):
      x = self._block(f'lip_{i + 2}', x, train, 256, (3, 3), padding=1)
    x = max_pool(x, (3, 3), (2, 2))
    x = self._block('lip_5', x, train, 512, x.shape[1:3])
    return _Head(scaled(512, self.width), self.dim, name='lip_head')(
      x.reshape(x.shape[0], -1), train=train)
