"""Pictures in PyTorch, (B, C, H, W) in [0, 1]: sizes, and the augmentations of the stages.

Counterparts of `cemnet_jax.nets.augment` and `cemnet_jax.nets.jitter`, whose constants they share.
"""

import torch
import torch.nn.functional as F

from cemnet_jax.nets import augment as eamm
from cemnet_jax.nets import jitter
from cemnet_jax.nets.image_emotion import IMAGENET_MEAN, IMAGENET_STD
from cemnet_jax.nets.layers import LUMA


def to_float(images: torch.Tensor) -> torch.Tensor:
  """8-bit pictures to [0, 1]."""
  return images.float() / 255


def of_colours(values: tuple[float, ...], like: torch.Tensor) -> torch.Tensor:
  """One number per colour as (3, 1, 1), where the pictures are."""
  return torch.tensor(values, device=like.device)[:, None, None]


def standardised(images: torch.Tensor) -> torch.Tensor:
  """RGB as ImageNet's nets eat it."""
  return (images - of_colours(IMAGENET_MEAN, images)) / of_colours(IMAGENET_STD, images)


def gray(images: torch.Tensor) -> torch.Tensor:
  """RGB (B, 3, H, W) -> (B, 1, H, W)."""
  return (images * of_colours(LUMA, images)).sum(1, keepdim=True)


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
  """To `size` x `size`, bilinear, by means of areas where they shrink."""
  if images.shape[-1] == size:
    return images
  return F.interpolate(images, (size, size), mode='bilinear', align_corners=False,
                       antialias=size < images.shape[-1])


def lower_rows(images: torch.Tensor) -> torch.Tensor:
  """Whether a row is H/2 or below: (H, 1)."""
  height = images.shape[-2]
  return (torch.arange(height, device=images.device) >= height // 2)[:, None]


def uniform(images: torch.Tensor, low: float, high: float, *shape: int) -> torch.Tensor:
  """Random numbers, one set of `shape` for each picture."""
  return torch.empty(len(images), *shape, device=images.device).uniform_(low, high)


def coin(images: torch.Tensor, probability: float) -> torch.Tensor:
  """A random choice for each picture, (B, 1, 1, 1)."""
  return uniform(images, 0, 1, 1, 1, 1) < probability


def flip(images: torch.Tensor) -> torch.Tensor:
  """Half of them mirrored left and right."""
  return torch.where(coin(images, eamm.FLIP_PROBABILITY), images.flip(-1), images)


def mask_mouth(images: torch.Tensor, lips: torch.Tensor) -> torch.Tensor:
  """Noise over the mouth of half of them; lips (B, 40, 2) in [0, 1]."""
  low, high = lips.amin(1), lips.amax(1)
  centre, half = (low + high) / 2, (high - low) / 2 * eamm.MOUTH_SCALE
  x, y = ((torch.arange(n, device=images.device) + 0.5) / n
          for n in (images.shape[-1], images.shape[-2]))
  in_x = (x - centre[:, :1]).abs() <= half[:, :1]
  in_y = (y - centre[:, 1:]).abs() <= half[:, 1:]
  box = (in_y[:, :, None] & in_x[:, None])[:, None] & coin(images, eamm.MOUTH_PROBABILITY)
  return torch.where(box, torch.rand_like(images), images)


def rotate_by(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
  """About the centre by degrees (B,); zero outside."""
  x, y = _centred(images)
  angle = torch.deg2rad(degrees)[:, None, None]
  cos, sin = angle.cos(), angle.sin()
  return _sample(images, cos * x - sin * y, sin * x + cos * y, 'zeros')


def perspective_by(images: torch.Tensor, shift: torch.Tensor, enlarge: torch.Tensor
                   ) -> torch.Tensor:
  """A square to a symmetric trapezoid, by pixels (B,); the nearest pixel repeats outside."""
  radius = (images.shape[-1] / 2 + enlarge)[:, None, None]
  x, y = _centred(images)
  u, v = (x - 0.5) / radius, (y - 0.5) / radius
  k = shift[:, None, None] / radius
  d = k / (2 - k)
  denominator = 1 - d * v
  u, v = (1 + d) * u / denominator, (v - d) / denominator
  return _sample(images, u * radius + 0.5, v * radius + 0.5, 'border')


def move_by(images: torch.Tensor, shift: torch.Tensor, zoom: torch.Tensor) -> torch.Tensor:
  """Enlarged by zoom (B,), moved by shift (B, 2) sides; the nearest pixel repeats outside."""
  side = images.shape[-1]
  x, y = _centred(images)
  zoom = zoom[:, None, None]
  return _sample(images, (x - side * shift[:, 0, None, None]) / zoom,
                 (y - side * shift[:, 1, None, None]) / zoom, 'border')


def augment(images: torch.Tensor, lips: torch.Tensor) -> torch.Tensor:
  """EAMM's chain with random numbers of its own."""
  def pixels(bounds: tuple[int, int]) -> torch.Tensor:
    size = torch.randint(*bounds, (len(images),), device=images.device)
    sign = uniform(images, -1, 1).sign()
    return size * sign * (images.shape[-1] / eamm.BASE_SIZE)

  images = flip(mask_mouth(images, lips))
  images = rotate_by(images, uniform(images, -eamm.MAX_DEGREES, eamm.MAX_DEGREES))
  return perspective_by(images, pixels(eamm.PERSPECTIVE_PIXELS), pixels(eamm.ENLARGE_PIXELS))


def move(images: torch.Tensor) -> torch.Tensor:
  """`move_by` small random amounts."""
  return move_by(images, uniform(images, -jitter.MAX_SHIFT, jitter.MAX_SHIFT, 2),
                 1 + uniform(images, -jitter.MAX_ZOOM, jitter.MAX_ZOOM))


def relight(images: torch.Tensor) -> torch.Tensor:
  """Another contrast and brightness of each."""
  contrast, light = (uniform(images, -jitter.MAX_LIGHT, jitter.MAX_LIGHT, 1, 1, 1)
                     for _ in range(2))
  return ((images - 0.5) * (1 + contrast) + 0.5 + light).clamp(0, 1)


def soften(images: torch.Tensor) -> torch.Tensor:
  """A random share of a blur, of all or of the lower half, and a little noise."""
  share = uniform(images, 0, 1, 1, 1, 1)
  share = torch.where(coin(images, 0.5) & ~lower_rows(images), 0.0, share)
  noise = jitter.MAX_NOISE * uniform(images, 0, 1, 1, 1, 1) * torch.randn_like(images)
  return images + share * (blur(blur(images)) - images) + noise


def blur(images: torch.Tensor) -> torch.Tensor:
  """The 3 x 3 binomial kernel; edges repeat."""
  x = F.pad(images, (1, 1, 1, 1), mode='replicate')
  x = (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]) / 4
  return (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4


def _centred(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
  """x and y of every pixel's centre, from the middle of the picture."""
  height, width = images.shape[-2:]
  x = torch.arange(width, device=images.device) - (width - 1) / 2
  y = torch.arange(height, device=images.device) - (height - 1) / 2
  return x.expand(height, width), y[:, None].expand(height, width)


def _sample(images, x, y, outside: str) -> torch.Tensor:
  """Bilinear samples at pixels (B, H, W) from the middle of the picture."""
  height, width = images.shape[-2:]
  grid = torch.stack(torch.broadcast_tensors(2 * x / width, 2 * y / height), -1)
  return F.grid_sample(images, grid, padding_mode=outside, align_corners=False)
