"""Still pictures through Pillow: upright, composited over white, of a size that memory holds."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.container import check_file, check_size

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff', '.avif')
WHITE = 255  # what a transparent picture is shown over, as in a page


def is_picture(path) -> bool:
  """Whether the file's name ends like a still picture's."""
  return Path(path).suffix.lower() in SUFFIXES


def read_picture(path) -> UInt8[np.ndarray, 'H W 3']:
  """RGB picture, turned upright by its EXIF tag; of an animated one the first.

  Raises:
    UserError: missing, empty, unreadable, or larger than `container.MAX_SIDE`.
  """
  check_file(path)
  try:
    with warnings.catch_warnings():
      warnings.simplefilter('ignore')  # of Pillow's own limit: ours is lower, and an error
      with Image.open(path) as picture:
        check_size(path, *picture.size)  # known from the header, before anything is decoded
        picture.load()
        return _rgb(ImageOps.exif_transpose(picture))
  except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
    raise UserError(f'{path}: not a readable picture ({error}); give a PNG or JPEG file'
                    ) from error


def composite(rgba: UInt8[np.ndarray, 'H W 4']) -> UInt8[np.ndarray, 'H W 3']:
  """The colours over white, by their opacity."""
  opacity = rgba[..., 3:].astype(np.uint16)
  mixed = rgba[..., :3] * opacity + WHITE * (255 - opacity)
  return ((mixed + 127) // 255).astype(np.uint8)


def _rgb(picture: Image.Image) -> UInt8[np.ndarray, 'H W 3']:
  if picture.mode.startswith('I;16'):  # Pillow would clip and not scale
    return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, axis=2)
  if picture.mode in ('I', 'F'):
    raise UserError(f'{picture.mode}: not a readable picture, its values have no known range')
  if picture.has_transparency_data:
    return composite(np.asarray(picture.convert('RGBA')))
  return np.array(picture.convert('RGB'))
