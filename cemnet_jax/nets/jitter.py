"""Light augmentations for scorers, which also look at generated pictures: small moves, other light,
a little blur and noise. Images are RGB in [0, 1]; every picture draws its own numbers.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from cemnet_jax.nets.warp import sample

MAX_SHIFT, MAX_ZOOM = 0.03, 0.04  # of the picture's side; of its scale
MAX_LIGHT = 0.1  # added to all, and the contrast's change
MAX_NOISE = 0.02  # standard deviation

Images = Float[Array, 'B H W C']


def move_by(images: Images, shift: Float[Array, 'B 2'], zoom: Float[Array, ' B']) -> Images:
  """Enlarge by `zoom` about the centre, then move right and down by `shift` sides; edges repeat."""
  b, height, width, _ = images.shape
  x = ((jnp.arange(width) + 0.5) / width - 0.5 - shift[:, :1]) / zoom[:, None] + 0.5
  y = ((jnp.arange(height) + 0.5) / height - 0.5 - shift[:, 1:]) / zoom[:, None] + 0.5
  shape = (b, height, width)
  x = jnp.broadcast_to(x[:, None] * width - 0.5, shape)
  y = jnp.broadcast_to(y[:, :, None] * height - 0.5, shape)
  return sample(images, x, y, edge=True)


def move_points(points: Float[Array, 'B L 2'], shift: Float[Array, 'B 2'],
                zoom: Float[Array, ' B']) -> Float[Array, 'B L 2']:
  """Where `move_by` puts points (x, y) of [0, 1]."""
  return (points - 0.5) * zoom[:, None, None] + 0.5 + shift[:, None]


def move(key: PRNGKeyArray, images: Images, points: Float[Array, 'B L 2']
         ) -> tuple[Images, Float[Array, 'B L 2']]:
  """Pictures and their points moved and scaled a little, by the same random amounts."""
  shift_key, zoom_key = jax.random.split(key)
  b = images.shape[0]
  shift = jax.random.uniform(shift_key, (b, 2), minval=-MAX_SHIFT, maxval=MAX_SHIFT)
  zoom = 1 + jax.random.uniform(zoom_key, (b,), minval=-MAX_ZOOM, maxval=MAX_ZOOM)
  return move_by(images, shift, zoom), move_points(points, shift, zoom)


def relight(key: PRNGKeyArray, images: Images) -> Images:
  """Another contrast and brightness of every picture."""
  contrast, light = jax.random.uniform(
    key, (2, images.shape[0], 1, 1, 1), minval=-MAX_LIGHT, maxval=MAX_LIGHT)
  return jnp.clip((images - 0.5) * (1 + contrast) + 0.5 + light, 0, 1)


def soften(key: PRNGKeyArray, images: Images) -> Images:
  """A random share of a blur and a little noise, as generators leave them; in every other picture
  only rows H/2 and below are blurred, which is what they draw.
  """
  share_key, half_key, level_key, noise_key = jax.random.split(key, 4)
  shape = (images.shape[0], 1, 1, 1)
  share = jax.random.uniform(share_key, shape)
  lower = (jnp.arange(images.shape[1]) >= images.shape[1] // 2)[:, None, None]
  share = jnp.where(jax.random.bernoulli(half_key, 0.5, shape) & ~lower, 0.0, share)
  level = MAX_NOISE * jax.random.uniform(level_key, shape)
  noise = level * jax.random.normal(noise_key, images.shape)
  return images + share * (blur(blur(images)) - images) + noise


def blur(images: Images) -> Images:
  """The 3 x 3 binomial kernel (1, 2, 1) x (1, 2, 1) / 16; edges repeat."""
  x = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode='edge')
  x = (x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4
  return (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 4
