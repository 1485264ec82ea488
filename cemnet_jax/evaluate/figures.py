"""Pictures of results: the contact sheet and videos with several faces next to each other."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from cemnet_jax.files import whole

MARGIN = 8  # px around cells
HEADER = 28  # px of a line of text
WHITE, BLACK = (255, 255, 255), (20, 20, 20)


def label(text: str, width: int, height: int = HEADER) -> UInt8[np.ndarray, 'h w 3']:
  """A strip with text centred in it, shrunk until it fits."""
  strip = np.full((height, width, 3), WHITE, np.uint8)
  scale = .5
  (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
  if w > width - 4:
    scale *= (width - 4) / w
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
  at = (max(2, (width - w) // 2), (height + h) // 2)
  return cv2.putText(strip, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, BLACK, 1, cv2.LINE_AA)


def fit(image: UInt8[np.ndarray, 'H W 3'], size: int) -> UInt8[np.ndarray, 'size size 3']:
  """A square picture at `size` px."""
  how = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_CUBIC
  return cv2.resize(image, (size, size), interpolation=how)


def contact_sheet(
    rows: Sequence[tuple[str, Sequence[Sequence[np.ndarray]]]], columns: Sequence[str], *,
    size: int = 128) -> UInt8[np.ndarray, 'H W 3']:
  """A sheet with one row per case.

  Args:
    rows: (title, cells); a cell is a list of square RGB pictures and there is one per column.
    columns: headings, as `reference`, `generated`, ...
    size: px of every picture.
  """
  counts = [len(cell) for cell in rows[0][1]]
  widths = [size * n + 2 * (n - 1) for n in counts]
  total = sum(widths) + MARGIN * (len(widths) + 1)

  def line(strips, height):
    canvas = np.full((height, total, 3), WHITE, np.uint8)
    x = MARGIN
    for strip, width in zip(strips, widths):
      canvas[:, x:x + width] = strip
      x += width + MARGIN
    return canvas

  parts = [line([label(c, w) for c, w in zip(columns, widths)], HEADER)]
  for title, cells in rows:
    parts.append(label(title, total))
    parts.append(line([_strip(cell, size) for cell in cells], size))
  return np.concatenate([*parts, np.full((MARGIN, total, 3), WHITE, np.uint8)])


def _strip(pictures, size):
  gap = np.full((size, 2, 3), WHITE, np.uint8)
  parts = []
  for picture in pictures:
    parts += [gap, fit(picture, size)]
  return np.concatenate(parts[1:], axis=1)


def side_by_side(videos: dict[str, UInt8[np.ndarray, 'T H W 3']], *, size: int = 256
                 ) -> UInt8[np.ndarray, 'T h w 3']:
  """Frames with the named videos next to each other under their names; even height and width."""
  length = min(len(frames) for frames in videos.values())
  header = np.concatenate([label(name, size) for name in videos], axis=1)
  return np.stack([
    np.concatenate([header, np.concatenate([fit(v[t], size) for v in videos.values()], axis=1)])
    for t in range(length)])


def write_png(path, image: UInt8[np.ndarray, 'H W 3']) -> None:
  """Writes an RGB picture as a whole or not at all."""
  ok, data = cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
  if not ok:
    raise ValueError(f'cannot encode a picture of shape {image.shape}')
  with whole(path) as beside:
    beside.write_bytes(data.tobytes())
