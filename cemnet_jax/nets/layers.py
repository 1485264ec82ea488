"""Building blocks with PyTorch's conventions of padding, BatchNorm and channel order, on NHWC."""

import functools
import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey
EPS = 1e-5  # of every InstanceNorm and LayerNorm in the spec, as of every BatchNorm

leaky_relu = functools.partial(nn.leaky_relu, negative_slope=0.2)

# PyTorch's default for convolutions and linear layers: uniform within +-1/sqrt(fan_in).
torch_init = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')


def centred_init(key: Array, shape: Sequence[int], dtype=jnp.float32) -> Array:
  """A start for (kh, kw, in, out) kernels that hardly blurs: a random orthogonal mix of channels
  at the centre tap, a tenth of PyTorch's start around it. Few steps then suffice for sharpness."""
  kernel = 0.1 * torch_init(key, shape, dtype)
  centre = nn.initializers.orthogonal()(key, shape[2:], dtype)
  return kernel.at[shape[0] // 2, shape[1] // 2].set(centre)


def icnr(start: Callable, factor: int = 2) -> Callable:
  """`start` for a convolution before `pixel_shuffle`: the pixels it will make begin alike, which
  keeps checkerboards out (Aitken et al. 2017)."""
  def init(key: Array, shape: Sequence[int], dtype=jnp.float32) -> Array:
    kernel = start(key, (*shape[:-1], shape[-1] // factor**2), dtype)
    return jnp.repeat(kernel, factor**2, axis=-1)
  return init


LayerNorm = functools.partial(nn.LayerNorm, epsilon=EPS)


def scaled(channels: int, width: float) -> int:
  """`channels` times `width`, rounded, but never thinner than 8 (or than the paper's own size)."""
  return max(min(8, channels), round(channels * width))


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
  return (value,) * rank if isinstance(value, int) else tuple(value)


def conv(features: int, kernel: Sequence[int], stride: int | Sequence[int] = 1,
         padding: int | Sequence[int] = 0, use_bias: bool = True,
         name: str | None = None, kernel_init: Callable = torch_init) -> nn.Conv:
  """A convolution over `len(kernel)` axes with PyTorch's symmetric integer padding."""
  rank = len(kernel)
  return nn.Conv(
    features, tuple(kernel), strides=_per_axis(stride, rank),
    padding=[(p, p) for p in _per_axis(padding, rank)], use_bias=use_bias,
    kernel_init=kernel_init, name=name)


class ConvBlock(nn.Module):
  """Convolution, BatchNorm, (+ input), activation; 1-, 2- or 3-D by the length of `kernel`.

  The bias starts at zero: BatchNorm removes it, so PyTorch's random start would change nothing.
  """
  features: int
  kernel: Sequence[int]
  stride: int | Sequence[int] = 1
  padding: int | Sequence[int] = 0
  residual: bool = False
  act: Callable[[Array], Array] = nn.relu
  use_bias: bool = True
  kernel_init: Callable = torch_init

  @nn.compact
  def __call__(self, x: Float[Array, 'B *space C'], *, train: bool,
               mask: Float[Array, ' B'] | None = None) -> Float[Array, 'B *out D']:
    """(B, ..., C) -> (B, ..., features); mask (B,) is `BatchNorm`'s."""
    y = conv(self.features, self.kernel, self.stride, self.padding, self.use_bias, 'conv',
             self.kernel_init)(x)
    y = BatchNorm(use_running_average=not train, name='norm')(y, mask=mask)
    return self.act(y + x if self.residual else y)


# The 13 convolutions of Wav2Lip and IP-LAP: channels, kernel, stride, padding, residual (A.1).
MEL_TABLE = (
  (32, 3, 1, 1, False), (32, 3, 1, 1, True), (32, 3, 1, 1, True),
  (64, 3, (3, 1), 1, False), (64, 3, 1, 1, True), (64, 3, 1, 1, True),
  (128, 3, 3, 1, False), (128, 3, 1, 1, True), (128, 3, 1, 1, True),
  (256, 3, (3, 2), 1, False), (256, 3, 1, 1, True),
  (512, 3, 1, 0, False), (512, 1, 1, 0, False))


class TableEncoder(nn.Module):
  """ConvBlocks of a table (channels, kernel, stride, padding, residual) down to one vector.

  `rank` is the number of spatial axes; the table's 512 becomes `dim`, its other channels `width`
  times the paper's; the last block ends in `last_act`.
  """
  table: Sequence[tuple]
  rank: int
  dim: int = 512
  width: float = 1.0
  last_act: Callable[[Array], Array] = jnp.tanh

  @nn.compact
  def __call__(self, x: Float[Array, 'B *space C'], *, train: bool) -> Float[Array, 'B D']:
    """(B, ..., C) -> (B, dim)."""
    for i, (channels, kernel, stride, padding, residual) in enumerate(self.table):
      last = i == len(self.table) - 1
      x = ConvBlock(
        self.dim if channels == 512 else scaled(channels, self.width), (kernel,) * self.rank,
        stride, padding, residual, act=self.last_act if last else nn.relu, name=f'block_{i}',
      )(x, train=train)
    return x.reshape(x.shape[0], -1)


class MelEncoder(nn.Module):
  """The 13-convolution audio encoder shared by Audio2Mouth (tanh) and the renderer (ReLU)."""
  dim: int = 512
  width: float = 1.0
  last_act: Callable[[Array], Array] = jnp.tanh

  @nn.compact
  def __call__(self, mel: Float[Array, 'B 80 16'], *, train: bool) -> Float[Array, 'B D']:
    """(B, 80, 16) mel windows -> (B, dim)."""
    return TableEncoder(MEL_TABLE, 2, self.dim, self.width, self.last_act, name='convs')(
      mel[..., None], train=train)


def instance_norm(x: Float[Array, 'B H W C'], eps: float = EPS) -> Float[Array, 'B H W C']:
  """Parameter-free InstanceNorm: each picture and channel to mean 0, biased variance 1."""
  mean = x.mean((-3, -2), keepdims=True)
  var = jnp.square(x - mean).mean((-3, -2), keepdims=True)
  return (x - mean) * jax.lax.rsqrt(var + eps)


def pixel_shuffle(x: Float[Array, 'B H W C'], factor: int = 2) -> Float[Array, 'B H2 W2 C2']:
  """(B, H, W, C*f*f) -> (B, H*f, W*f, C); PyTorch's order: channel index = c*f*f + dy*f + dx."""
  b, h, w, c = x.shape
  out = c // factor**2
  x = x.reshape(b, h, w, out, factor, factor)
  return x.transpose(0, 1, 4, 2, 5, 3).reshape(b, h * factor, w * factor, out)


def nearest_down(x: Float[Array, 'B H W C'], factor: int = 2) -> Float[Array, 'B H2 W2 C']:
  """Nearest-neighbour shrinking by an integer: PyTorch takes pixel factor*i, not the centre."""
  return x[:, ::factor, ::factor]


def nearest_up(x: Float[Array, 'B H W C'], factor: int = 2) -> Float[Array, 'B H2 W2 C']:
  """Nearest-neighbour enlarging by an integer: every pixel becomes a factor x factor square."""
  return jnp.repeat(jnp.repeat(x, factor, axis=1), factor, axis=2)


def max_pool(x: Float[Array, 'B H W C'], window: Sequence[int], stride: Sequence[int],
             padding: Sequence[int] | int = 0) -> Float[Array, 'B H2 W2 C']:
  """Max-pool over two axes, PyTorch's integer padding; size floor((n + 2p - k) / s) + 1."""
  pads = [(p, p) for p in _per_axis(padding, 2)]
  window, stride = tuple(window), tuple(stride)
  # XLA differentiates the usual one into an operation that on GPUs has no deterministic form.
  return jax.lax.platform_dependent(
    x, cuda=functools.partial(max_of_slices, window=window, stride=stride, pads=pads),
    default=lambda x: nn.max_pool(x, window, stride, pads))


def max_of_slices(x: Float[Array, 'B H W C'], window: tuple[int, int], stride: tuple[int, int],
                  pads: Sequence[tuple[int, int]]) -> Float[Array, 'B H2 W2 C']:
  """`max_pool` by comparing strided slices; the first of equal values gets the gradient."""
  x = jnp.pad(x, ((0, 0), *pads, (0, 0)), constant_values=-jnp.inf)
  high, wide = ((n - k) // s * s + 1 for n, k, s in zip(x.shape[1:3], window, stride))
  best = None
  for i, j in np.ndindex(*window):
    part = x[:, i:i + high:stride[0], j:j + wide:stride[1]]
    best = part if best is None else jnp.where(part > best, part, best)
  return best


def gray(images: Float[Array, '*B H W 3']) -> Float[Array, '*B H W 1']:
  """RGB -> luma of ITU-R BT.601, the grey of OpenCV and PIL."""
  return images @ jnp.array(LUMA)[:, None]


def sinusoid(length: int, dim: int) -> Float[Array, 'T D']:
  """Position codes (T, D): even channels sine, odd cosine, base 10000."""
  rate = jnp.exp(-math.log(10000.0) * jnp.arange(0, dim, 2) / dim)
  angle = jnp.arange(length)[:, None] * rate
  return jnp.stack([jnp.sin(angle), jnp.cos(angle)], -1).reshape(length, dim)
