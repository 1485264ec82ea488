"""Losses on pictures: perceptual, style, adversarial, feature matching, masked L1 (spec 7.3)."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.losses.reduce import example_mean, masked_mean

# IP-LAP sums its perceptual losses over 4 GPUs while the others are means, so its 2.5 and 4 (the
# paper's w_per = 4) act as four times that; these are the weights for a mean over the whole batch.
WARP_WEIGHT = 10.0
PERCEPTUAL_WEIGHT = 16.0
GAN_WEIGHT = 0.25
FEATURE_MATCHING_WEIGHT = 1.0

STYLE_WEIGHT = 250.0  # of the Gram term inside the perceptual loss of the generated picture
FEATURE_MATCHING_INNER = 2.5  # inside IP-LAP's feature matching, on top of its weight of 1

Maps = Sequence[Float[Array, 'B ...']]
Images = Float[Array, 'B H W 3']
Mask = Float[Array, ' B'] | None


def _l1(predicted: Maps, target: Maps, mask: Mask) -> Float[Array, '']:
  """Sum over maps of the mean absolute difference; no gradient reaches `target`."""
  return sum(masked_mean(example_mean(jnp.abs(p - jax.lax.stop_gradient(t))), mask)
             for p, t in zip(predicted, target, strict=True))


def halve(images: Float[Array, 'B H W C']) -> Float[Array, 'B h w C']:
  """Bilinear x0.5 (align_corners=False): the mean of 2x2 pixels. H and W must be even."""
  b, h, w, c = images.shape
  return images.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


def gram_matrix(maps: Float[Array, 'B h w C']) -> Float[Array, 'B C C']:
  """Products of channels summed over pixels, divided by C h w."""
  b, h, w, c = maps.shape
  flat = maps.reshape(b, h * w, c)
  return jnp.einsum('bpc,bpd->bcd', flat, flat) / (c * h * w)


def gram(predicted: Maps, target: Maps, mask: Mask = None) -> Float[Array, '']:
  """Sum over layers of the mean absolute difference of Gram matrices."""
  return _l1([gram_matrix(p) for p in predicted], [gram_matrix(t) for t in target], mask)


def perceptual(maps_fn: Callable[[Images], Maps], predicted: Images, target: Images,
               style_weight: float = 0.0, scales: int = 2, mask: Mask = None) -> Float[Array, '']:
  """L1 between feature maps, at full, half, ... scale, plus Gram matrices at full scale.

  `maps_fn` gives the frozen network's maps of RGB pictures in [0, 1]: `VGG19Features` with
  ImageNet's weights, or any network's. IP-LAP: two scales; style 250 for the generated picture
  (`STYLE_WEIGHT`), none for the warped reference.
  """
  total = jnp.zeros(())
  for scale in range(scales):
    if scale:
      predicted, target = halve(predicted), halve(target)
    p, t = maps_fn(predicted), maps_fn(target)
    total += _l1(p, t, mask)
    if style_weight and not scale:
      total += style_weight * gram(p, t, mask)
  return total


def masked_l1(predicted: Images, target: Images, region: Float[Array, '*b H W 1'],
              mask: Mask = None) -> Float[Array, '']:
  """Mean absolute difference over pixels weighted by `region` >= 0, per picture."""
  error = jnp.abs(predicted - jax.lax.stop_gradient(target)).mean(-1, keepdims=True)
  region = jnp.broadcast_to(region, error.shape)
  per_example = example_mean(error * region) / jnp.maximum(example_mean(region), 1e-8)
  return masked_mean(per_example, mask)


def box_around(points: Float[Array, 'B P 2'], height: int, width: int,
               margin: float = 0.0) -> Float[Array, 'B H W 1']:
  """1 at pixels whose centre lies in the box of points (x, y) in [0, 1], grown by `margin` of the
  picture on every side, else 0: a region for `masked_l1`."""
  low, high = points.min(1) - margin, points.max(1) + margin
  inside = lambda axis, size: ((jnp.arange(size) + 0.5) / size >= low[:, axis, None]) & (
    (jnp.arange(size) + 0.5) / size <= high[:, axis, None])
  return (inside(1, height)[:, :, None] & inside(0, width)[:, None])[..., None].astype(points.dtype)


def lsgan_generator(fake: Sequence[Maps], mask: Mask = None) -> Float[Array, '']:
  """LSGAN: the scores (last map) of every scale to 1; summed over scales."""
  return sum(masked_mean(example_mean(jnp.square(maps[-1] - 1)), mask) for maps in fake)


def lsgan_discriminator(real: Sequence[Maps], fake: Sequence[Maps],
                        mask: Mask = None) -> Float[Array, '']:
  """LSGAN: half of (fake scores to 0 + real scores to 1); summed over scales.

  `fake` must be the maps of a picture cut from the generator's graph.
  """
  return sum(
    0.5 * (masked_mean(example_mean(jnp.square(f[-1])), mask)
           + masked_mean(example_mean(jnp.square(r[-1] - 1)), mask))
    for r, f in zip(real, fake, strict=True))


def feature_matching(real: Sequence[Maps], fake: Sequence[Maps],
                     mask: Mask = None) -> Float[Array, '']:
  """pix2pixHD: L1 between the discriminator's maps of real and fake, all but the scores.

  Each scale counts 1 / scales, each of its k maps 4 / k (pix2pixHD's 4 / (layers + 1)), all of it
  `FEATURE_MATCHING_INNER`.
  """
  total = sum(_l1(f[:-1], r[:-1], mask) * 4 / (len(r) - 1)
              for r, f in zip(real, fake, strict=True))
  return FEATURE_MATCHING_INNER * total / len(real)
