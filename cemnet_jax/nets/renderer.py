"""IP-LAP's renderer (spec 7.3): a flow module warps the references, a generator paints the face."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import (
  MelEncoder,
  centred_init,
  conv,
  icnr,
  leaky_relu,
  nearest_down,
  pixel_shuffle,
  torch_init,
)
from cemnet_jax.nets.spade import SpadeBlock, normalise
from cemnet_jax.nets.warp import grid_sample, halve_grid, sampling_grid

AUDIO_HIDDEN = 128  # of AdaIN's shared layer (spec 7.3)
SKETCH_COPIES = 3  # equal channels in which IP-LAP's weights see a sketch
OCCLUSION_START = -2.0  # before the sigmoid: an eighth of what is known is taken away at first
GRID_SIDE = 2  # of a picture in grid_sample's coordinates
WEIGHT_EPS = 1e-5  # added to the sum of the references' weights (spec 7.3)


class References(NamedTuple):
  """What the flow module knows about the reference pictures alone; the same for every frame."""
  images: Float[Array, 'B N H W 3']
  fine: Float[Array, 'B N H W C']  # h1, full resolution
  coarse: Float[Array, 'B N h w D']  # h2, half resolution


class Layers(NamedTuple):
  """What a frame is made of: where each of its pixels comes from, and what is painted over it."""
  image: Float[Array, 'B H W 3']  # the face, as `Renderer.render` gives it
  warped: Float[Array, 'B H W 3']  # the mixed warped references
  grid: Float[Array, 'B N H W 2']  # where each pixel looks in each reference, see nets.warp
  weight: Float[Array, 'B N H W 1']  # of each reference, before they are divided by their sum


class AdainNorm(nn.Module):
  """InstanceNorm, then a gain and a shift per channel predicted from a vector."""

  @nn.compact
  def __call__(self, x: Float[Array, 'B N H W C'],
               vector: Float[Array, 'B D']) -> Float[Array, 'B N H W C']:
    """(B, N, H, W, C), (B, D) -> (B, N, H, W, C): n * (1 + gain) + shift."""
    shared = nn.relu(nn.Dense(AUDIO_HIDDEN, kernel_init=torch_init, name='shared')(vector))
    both = nn.Dense(2 * x.shape[-1], kernel_init=torch_init, name='gain_shift')(shared)
    gain, shift = jnp.split(both[:, None, None, None], 2, axis=-1)
    return normalise(x) * (1 + gain) + shift


class AdainBlock(nn.Module):
  """Twice: AdaIN, LeakyReLU 0.2, convolution. No skip."""
  start: Callable = torch_init
  last_start: Callable | None = None

  @nn.compact
  def __call__(self, x: Float[Array, 'B N H W C'],
               vector: Float[Array, 'B D']) -> Float[Array, 'B N H W C']:
    """(B, N, H, W, C), (B, D) -> (B, N, H, W, C)."""
    for i, start in ((1, self.start), (2, self.last_start or self.start)):
      x = leaky_relu(AdainNorm(name=f'norm_{i}')(x, vector))
      x = conv(x.shape[-1], (3, 3), padding=1, kernel_init=start, name=f'conv_{i}')(x)
    return x


class FlowModule(nn.Module):
  """Dense flow and weight of every reference; the references warped by them and mixed.

  `wide` must be divisible by 4 (pixel shuffle). `flow_scale` scales the start of the last flow
  convolution: 1 is PyTorch's start, 0.1 starts near "no motion". `centred` starts the pixels that
  the shuffle makes alike.
  """
  width: int = 32
  wide: int = 256
  hidden: int = 256
  kernel: int = 7
  quirk: bool = True
  flow_scale: float = 1.0
  centred: bool = False

  def setup(self):
    k, p = (self.kernel,) * 2, self.kernel // 2
    self.conv1 = conv(self.width, k, padding=p)
    self.conv1_norm = BatchNorm()
    self.conv2 = conv(self.wide, (3, 3), stride=2, padding=1)
    self.conv2_norm = BatchNorm()
    block = partial(SpadeBlock, self.hidden, copies=SKETCH_COPIES)
    self.spade_1, self.spade_4 = block(), block()
    self.spade_2 = block(last_start=icnr(torch_init) if self.centred else None)
    self.flow = nn.Conv(
      2, k, padding=p, kernel_init=nn.initializers.variance_scaling(
        self.flow_scale**2 / 3, 'fan_in', 'uniform'))
    self.weight_1 = conv(self.width, k, padding=p)
    self.weight_2 = conv(1, k, padding=p)

  def encode(self, images: Float[Array, 'B N H W 3'], sketches: Float[Array, 'B N H W'],
             train: bool) -> References:
    """The two convolutions that see the references alone.

    In training BatchNorm's statistics span all N references at once; IP-LAP takes them one
    reference at a time. With stored statistics both are the same.
    """
    x = jnp.concatenate([images, jnp.repeat(sketches[..., None], SKETCH_COPIES, axis=-1)], -1)
    fine = nn.relu(self.conv1_norm(self.conv1(x), use_running_average=not train))
    coarse = nn.relu(self.conv2_norm(self.conv2(fine), use_running_average=not train))
    return References(images, fine, coarse)

  def motion(self, references: References, sketches: Float[Array, 'B H W T'],
             correspondence: Float[Array, 'B N H W 3'] | None = None,
             ) -> tuple[Float[Array, 'B N H W 2'], Float[Array, 'B N H W 1']]:
    """References (B or 1, N, ...), sketches (B, H, W, T) -> where each pixel looks in each
    reference, in grid_sample's coordinates, and the references' weights. A `correspondence` tells
    the first; the weights then come from the features found there, and are 0 for what a reference
    does not show. A single reference has nothing to be weighed against: nothing is computed."""
    coarse, known = references.coarse, None
    grid_of = _merge(lambda flow: sampling_grid(flow, self.quirk))
    if correspondence is not None:
      moved = correspondence[..., :2]
      known = grid_of(jnp.zeros_like(moved)) + GRID_SIDE * moved
      if coarse.shape[1] == 1 and not self.is_initializing():
        return known, correspondence[..., 2:]
      coarse = _warp(coarse, _merge(halve_grid)(known))
    x = self.spade_1(coarse, nearest_down(sketches))
    x = self.spade_2(x, nearest_down(sketches))
    x = _merge(pixel_shuffle)(x)
    x = self.spade_4(x, sketches)
    flow = self.flow(x)
    weight = nn.sigmoid(self.weight_2(nn.relu(self.weight_1(x))))
    if correspondence is None:
      return grid_of(flow), weight
    return known, weight * correspondence[..., 2:]  # the flow's kernel stays, as IP-LAP has one

  def warp(self, references: References, grid: Float[Array, 'B N H W 2'],
           weight: Float[Array, 'B N H W 1'], seen: Float[Array, 'B H W 1']) -> References:
    """The references warped by `motion` and mixed: N = 1; zero where none of them shows a place."""
    def mix(maps: Array, grid: Array, weight: Array, seen: Array) -> Array:
      total = weight.sum(1, keepdims=True) + WEIGHT_EPS
      return (weight * _warp(maps, grid)).sum(1, keepdims=True) / total * seen

    half_grid, half_weight = _merge(halve_grid)(grid), _merge(nearest_down)(weight)
    seen, half_seen = seen[:, None], nearest_down(seen)[:, None]
    return References(
      mix(references.images, grid, weight, seen), mix(references.fine, grid, weight, seen),
      mix(references.coarse, half_grid, half_weight, half_seen))


def _warp(maps: Array, grid: Array) -> Array:
  """(B or 1, N, H, W, C) sampled at (B, N, h, w, 2) -> (B, N, h, w, C)."""
  maps = jnp.broadcast_to(maps, (grid.shape[0], *maps.shape[1:]))
  flat = grid.reshape(-1, *grid.shape[2:])
  return _merge(lambda x: grid_sample(x, flat))(maps)


def _merge(function):
  """`function` of (B, H, W, C) made to work on (B, N, H, W, C)."""
  def merged(x: Array) -> Array:
    y = function(x.reshape(-1, *x.shape[2:]))
    return y.reshape(*x.shape[:2], *y.shape[1:])
  return merged


class Generator(nn.Module):
  """Paints the face: SPADE by the warped references, AdaIN by the audio ("translation")."""
  width: int = 32
  wide: int = 256
  hidden: int = 256
  kernel: int = 7
  audio_dim: int = 512
  audio_width: float = 1.0
  audio_adain: bool = True
  centred: bool = False
  skip: bool = False
  occlusion: bool = False
  head: int = 0

  @nn.compact
  def __call__(self, masked: Float[Array, 'B H W 3'], sketches: Float[Array, 'B H W T'],
               warped: References, mel: Float[Array, 'B 80 16'] | None, *,
               train: bool) -> Float[Array, 'B H W 3']:
    """Masked face, sketches, warped references (N = 1), mel -> the face in [0, 1]; with `skip`
    a change of what is known, which may overshoot."""
    k, p = (self.kernel,) * 2, self.kernel // 2
    x = jnp.concatenate([masked, jnp.repeat(sketches, SKETCH_COPIES, axis=-1)], -1)
    x = conv(self.width, k, padding=p, use_bias=False, name='conv1')(x)
    x = nn.relu(BatchNorm(use_running_average=not train, name='conv1_norm')(x))
    x = conv(self.wide, (3, 3), stride=2, padding=1, use_bias=False, name='conv2')(x)
    x = nn.relu(BatchNorm(use_running_average=not train, name='conv2_norm')(x))[:, None]
    if self.audio_adain:
      audio = MelEncoder(self.audio_dim, self.audio_width, nn.relu, name='audio_encoder')(
        mel, train=train)
    start = centred_init if self.centred else torch_init
    shuffled = icnr(start) if self.centred else start
    x = SpadeBlock(self.hidden, start, None if self.audio_adain else shuffled, name='spade_1')(
      x, warped.coarse[:, 0])
    if self.audio_adain:
      x = AdainBlock(start, shuffled, name='adain_1')(x, audio)
    x = _merge(pixel_shuffle)(x)
    x = SpadeBlock(self.hidden, start, name='spade_2')(x, warped.fine[:, 0])
    if self.audio_adain:
      x = AdainBlock(start, name='adain_2')(x, audio)
    x = SpadeBlock(self.hidden, start, name='spade_4')(x, warped.images[:, 0])[:, 0]
    x = nn.leaky_relu(x, 0.01)  # PyTorch's default slope, unlike the 0.2 of the blocks
    last = partial(conv, 3, k, padding=p, use_bias=False, name='conv_last')
    if not self.skip:
      return nn.sigmoid(last(kernel_init=start)(x))
    upper = jnp.arange(masked.shape[1])[:, None, None] < masked.shape[1] // 2
    # The change is learned on top of the warp, not by bending the flow to where it hides an error.
    known = jnp.where(upper, masked, jax.lax.stop_gradient(warped.images[:, 0]))
    if self.head:
      x = jnp.concatenate([x, sketches, known], -1)
      for i in (1, 2):
        x = leaky_relu(conv(self.head, (3, 3), padding=1, name=f'head_{i}',
                            kernel_init=nn.initializers.he_normal())(x))
    change = last(kernel_init=nn.initializers.zeros)(x)
    if self.occlusion:
      hidden = conv(1, k, padding=p, name='occlusion', kernel_init=nn.initializers.zeros)(x)
      known = known * nn.sigmoid(-OCCLUSION_START - hidden)
    return known + change


class Renderer(nn.Module):
  """Target sketches and references -> the centre frame's face. Defaults: the paper's sizes.

  `width`: channels at full resolution; `wide`: at half resolution (a multiple of 4, and wide/4
  after the pixel shuffle); `hidden`: inside SPADE; `kernel`: of the outer convolutions.
  `audio_adain=False` is the literal Eq. 16: no AdaIN blocks, no audio encoder, `mel` unused.
  `quirk=False` samples where the flow says (see nets.warp); True is needed for IP-LAP's weights.
  `centred` starts the generator's kernels as `layers.centred_init` does, and those before a pixel
  shuffle as `layers.icnr`.
  `skip` lets the generator paint a change of the warped reference below and the known face above,
  none at first, in place of all pixels.
  `occlusion`, with `skip`, lets it take away what is known where the references show nothing of
  the kind (FOMM's occlusion map; not in the paper).
  `head`, with `skip`, is the width of two layers before the last that see sketches and warped
  reference themselves: through the ten layers before, few steps hardly bring them; 0 for none.
  H and W must be even. Images are RGB in [0, 1], sketches in [0, 1].
  """
  width: int = 32
  wide: int = 256
  hidden: int = 256
  kernel: int = 7
  audio_adain: bool = True
  audio_dim: int = 512
  audio_width: float = 1.0
  quirk: bool = True
  flow_scale: float = 1.0
  centred: bool = False
  skip: bool = False
  occlusion: bool = False
  head: int = 0

  def setup(self):
    self.flow_module = FlowModule(
      self.width, self.wide, self.hidden, self.kernel, self.quirk, self.flow_scale, self.centred)
    self.translation = Generator(
      self.width, self.wide, self.hidden, self.kernel, self.audio_dim, self.audio_width,
      self.audio_adain, self.centred, self.skip, self.occlusion, self.head)

  def __call__(self, masked: Float[Array, 'B H W 3'], sketches: Float[Array, 'B T H W'],
               reference: Float[Array, 'B N H W 3'], ref_sketches: Float[Array, 'B N H W'],
               mel: Float[Array, 'B 80 16'] | None = None,
               correspondence: Float[Array, 'B N H W 3'] | None = None, *, train: bool,
               ) -> tuple[Float[Array, 'B H W 3'], Float[Array, 'B H W 3']]:
    """-> (image, warped reference), both (B, H, W, 3); `masked` has its lower half set to 0.

    `correspondence`, where it is known, is where the landmarks say that each pixel lies in each
    reference and whether it is seen there (`preprocess.landmark_flow`); it takes the place of the
    learned flow (not in the paper).
    """
    references = self.encode_references(reference, ref_sketches, train=train)
    return self.render(masked, sketches, references, mel, correspondence, train=train)

  def encode_references(self, reference: Float[Array, 'B N H W 3'],
                        ref_sketches: Float[Array, 'B N H W'], *,
                        train: bool = False) -> References:
    """What depends on the references alone: compute once per video, then `render` each frame."""
    return self.flow_module.encode(reference, ref_sketches, train)

  def render(self, masked: Float[Array, 'B H W 3'], sketches: Float[Array, 'B T H W'],
             references: References, mel: Float[Array, 'B 80 16'] | None = None,
             correspondence: Float[Array, 'B N H W 3'] | None = None, *,
             train: bool = False) -> tuple[Float[Array, 'B H W 3'], Float[Array, 'B H W 3']]:
    """As `__call__`; `references` may hold one set (B = 1) for all B frames."""
    drawn = self.layers(masked, sketches, references, mel, correspondence, train=train)
    return drawn.image, drawn.warped

  def layers(self, masked: Float[Array, 'B H W 3'], sketches: Float[Array, 'B T H W'],
             references: References, mel: Float[Array, 'B 80 16'] | None = None,
             correspondence: Float[Array, 'B N H W 3'] | None = None, *,
             train: bool = False) -> Layers:
    """As `render`, with the flow and the weights that the picture is warped by."""
    stacked = jnp.moveaxis(sketches, 1, -1)
    grid, weight = self.flow_module.motion(references, stacked, correspondence)
    seen = (jnp.ones_like(weight[:, 0]) if correspondence is None
            else correspondence[..., 2:].max(axis=1))
    warped = self.flow_module.warp(references, grid, weight, seen)
    image = self.translation(masked, stacked, warped, mel, train=train)
    return Layers(image, warped.images[:, 0], grid, weight)
