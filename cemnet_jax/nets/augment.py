"""EAMM's augmentations for the image emotion extractor (spec 4.3, 4.4): pure functions of a key.

EAMM's sizes are pixels of a 256 x 256 face; here they scale with the picture. Every picture of the
batch draws its own numbers. Images are RGB in [0, 1], square.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from cemnet_jax.nets.warp import sample

MOUTH_PROBABILITY = 0.5  # spec 4.4: always masking hides the mouth's emotion, never leaks phonemes
MOUTH_SCALE = 1.5  # of the lips' bounding box
FLIP_PROBABILITY = 0.5
MAX_DEGREES = 30.0
BASE_SIZE = 256  # the picture size that the next two are given for
PERSPECTIVE_PIXELS = (20, 30)  # size of the shift, either sign; the upper end is excluded
ENLARGE_PIXELS = (20, 40)

Images = Float[Array, 'B H W C']


def mask_mouth(key: PRNGKeyArray, images: Images, lips: Float[Array, 'B L 2'],
               probability: float = MOUTH_PROBABILITY) -> Images:
  """Uniform noise over the lips' bounding box x 1.5, in a random half of the pictures.

  `lips` are (x, y) in the crop, [0, 1]. A pixel is masked when its centre lies in the box.
  """
  choose, noise = jax.random.split(key)
  b, height, width, _ = images.shape
  low, high = lips.min(1), lips.max(1)
  centre, half = (low + high) / 2, (high - low) / 2 * MOUTH_SCALE
  x = (jnp.arange(width) + 0.5) / width
  y = (jnp.arange(height) + 0.5) / height
  in_x = jnp.abs(x - centre[:, :1]) <= half[:, :1]
  in_y = jnp.abs(y - centre[:, 1:]) <= half[:, 1:]
  chosen = jax.random.bernoulli(choose, probability, (b, 1, 1))
  box = (in_y[:, :, None] & in_x[:, None, :] & chosen)[..., None]
  return jnp.where(box, jax.random.uniform(noise, images.shape), images)


def flip(key: PRNGKeyArray, images: Images, probability: float = FLIP_PROBABILITY) -> Images:
  """Mirror left and right in a random half of the pictures."""
  chosen = jax.random.bernoulli(key, probability, (images.shape[0], 1, 1, 1))
  return jnp.where(chosen, images[:, :, ::-1], images)


def rotate_by(images: Images, degrees: Float[Array, ' B']) -> Images:
  """Rotate about the picture's centre, counter-clockwise as seen; zero outside."""
  x, y = _centred(images)
  angle = jnp.deg2rad(degrees)[:, None, None]
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  return _sample_centred(images, cos * x - sin * y, sin * x + cos * y, edge=False)


def rotate(key: PRNGKeyArray, images: Images, max_degrees: float = MAX_DEGREES) -> Images:
  """`rotate_by` an angle uniform in +-max_degrees."""
  degrees = jax.random.uniform(
    key, images.shape[:1], minval=-max_degrees, maxval=max_degrees)
  return rotate_by(images, degrees)


def perspective_by(images: Images, shift: Float[Array, ' B'],
                   enlarge: Float[Array, ' B']) -> Images:
  """Map a square to a symmetric trapezoid: its lower corners move inwards by `shift` pixels.

  The square is the picture grown by `enlarge` pixels on every side (both may be negative); outside
  the picture the nearest pixel repeats. EAMM solves the four-point homography that this closed
  form is: with the square as +-1, a point (u, v) goes to ((1 - d) u, v + d) / (1 + d v), where
  d = k / (2 - k) and k = shift / half the square's side.
  """
  size = images.shape[1]
  # EAMM measures from pixel centres with corners at -enlarge and size + enlarge.
  radius = (size / 2 + enlarge)[:, None, None]
  x, y = _centred(images)
  u, v = (x - 0.5) / radius, (y - 0.5) / radius
  k = shift[:, None, None] / radius
  d = k / (2 - k)
  denominator = 1 - d * v  # of the inverse map: from a place in the result to one in the picture
  u, v = (1 + d) * u / denominator, (v - d) / denominator
  return _sample_centred(images, u * radius + 0.5, v * radius + 0.5, edge=True)


def perspective(key: PRNGKeyArray, images: Images) -> Images:
  """`perspective_by` EAMM's random sizes: whole pixels of a 256 picture, scaled to this one."""
  def draw(key: PRNGKeyArray, bounds: tuple[int, int]) -> Array:
    size_key, sign_key = jax.random.split(key)
    pixels = jax.random.randint(size_key, images.shape[:1], *bounds)
    sign = jax.random.rademacher(sign_key, images.shape[:1])
    return pixels * sign * (images.shape[1] / BASE_SIZE)

  shift_key, enlarge_key = jax.random.split(key)
  return perspective_by(
    images, draw(shift_key, PERSPECTIVE_PIXELS), draw(enlarge_key, ENLARGE_PIXELS))


def augment(key: PRNGKeyArray, images: Float[Array, 'B H W 3'],
            lips: Float[Array, 'B L 2']) -> Float[Array, 'B H W 3']:
  """EAMM's chain in its order: mouth mask, flip, rotation, perspective. Jit it with the step."""
  mouth, mirror, turn, tilt = jax.random.split(key, 4)
  images = mask_mouth(mouth, images, lips)
  images = flip(mirror, images)
  images = rotate(turn, images)
  return perspective(tilt, images)


def _centred(images: Images) -> tuple[Float[Array, 'H W'], Float[Array, 'H W']]:
  """x and y of every pixel's centre, from the middle of the picture."""
  height, width = images.shape[1:3]
  x = jnp.arange(width) - (width - 1) / 2
  y = jnp.arange(height) - (height - 1) / 2
  return jnp.broadcast_to(x, (height, width)), jnp.broadcast_to(y[:, None], (height, width))


def _sample_centred(images: Images, x: Float[Array, 'B H W'], y: Float[Array, 'B H W'],
                    edge: bool) -> Images:
  height, width = images.shape[1:3]
  return sample(images, x + (width - 1) / 2, y + (height - 1) / 2, edge)
