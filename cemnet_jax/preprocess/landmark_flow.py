"""Where the pixels of a face lie in another picture of it, by the landmarks of both alone."""

import cv2
import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.sketch import SUBPIXEL_BITS, inside_mouth, positions
from cemnet_jax.topology import INNER_LIP

# Points of the crop's rim that stay where they are, (x, y) in its sides; numbered from 131 on.
RIM = np.array([(0, 0), (0, .25), (0, .5), (0, .75), (0, 1), (.25, 0), (.25, 1), (.5, 0), (.5, 1),
                (.75, 0), (.75, 1), (1, 0), (1, .25), (1, .5), (1, .75), (1, 1)])
# Delaunay triangulation of oval, nose, eye corners, lips and rim in an average open-mouthed face of
# the synthetic world, made symmetric; without those between the lips.
TRIANGLES = np.array([
  (139, 11, 12), (132, 2, 133), (2, 132, 1), (59, 2, 1), (137, 11, 139), (0, 59, 1), (59, 0, 136),
  (136, 0, 131), (0, 132, 131), (132, 0, 1), (140, 75, 138), (75, 45, 138), (45, 67, 138),
  (67, 136, 138), (67, 59, 136), (19, 145, 18), (145, 19, 144), (59, 3, 2), (2, 3, 133),
  (3, 4, 133), (13, 141, 139), (13, 139, 12), (83, 75, 140), (83, 58, 75), (19, 20, 144),
  (75, 46, 45), (47, 46, 75), (46, 67, 45), (46, 47, 67), (55, 96, 54), (48, 47, 75), (47, 48, 67),
  (92, 5, 4), (134, 5, 6), (5, 134, 133), (4, 5, 133), (9, 8, 108), (8, 9, 137), (3, 50, 4),
  (50, 3, 59), (67, 50, 59), (137, 10, 11), (9, 10, 137), (10, 107, 11), (107, 9, 108),
  (107, 10, 9), (20, 99, 58), (24, 83, 140), (83, 24, 23), (24, 140, 142), (143, 24, 142),
  (24, 143, 23), (83, 21, 58), (21, 20, 58), (20, 21, 144), (49, 55, 54), (49, 56, 55),
  (56, 49, 48), (5, 91, 6), (91, 5, 92), (108, 109, 129), (8, 109, 108), (91, 7, 6), (7, 91, 110),
  (7, 109, 8), (109, 7, 110), (134, 7, 135), (7, 134, 6), (7, 137, 135), (7, 8, 137),
  (109, 130, 129), (130, 109, 110), (112, 111, 92), (111, 91, 92), (91, 111, 110), (111, 130, 110),
  (93, 92, 4), (50, 93, 4), (93, 112, 92), (96, 53, 54), (53, 49, 54), (97, 56, 58), (55, 97, 96),
  (56, 97, 55), (22, 83, 23), (22, 21, 83), (21, 22, 144), (22, 143, 144), (143, 22, 23),
  (58, 57, 75), (56, 57, 58), (57, 48, 75), (57, 56, 48), (94, 93, 50), (95, 53, 96), (95, 94, 50),
  (15, 16, 141), (127, 107, 108), (127, 126, 107), (126, 125, 105), (126, 106, 107),
  (106, 126, 105), (11, 106, 12), (107, 106, 11), (106, 13, 12), (106, 105, 13), (99, 98, 58),
  (98, 97, 58), (15, 104, 16), (104, 15, 105), (104, 125, 124), (125, 104, 105), (17, 145, 146),
  (145, 17, 18), (141, 17, 146), (16, 17, 141), (101, 19, 18), (17, 101, 18), (101, 17, 102),
  (95, 115, 94), (116, 115, 96), (115, 95, 96), (52, 95, 50), (95, 52, 53), (49, 52, 48),
  (53, 52, 49), (105, 14, 13), (15, 14, 105), (13, 14, 141), (14, 15, 141), (117, 116, 96),
  (97, 117, 96), (98, 117, 97), (117, 98, 118), (104, 103, 16), (103, 17, 16), (17, 103, 102),
  (103, 122, 102), (103, 123, 122), (123, 104, 124), (123, 103, 104), (119, 98, 99), (98, 119, 118),
  (122, 121, 102), (121, 101, 102), (93, 113, 112), (94, 113, 93), (128, 108, 129), (128, 127, 108),
  (51, 50, 67), (51, 52, 50), (48, 51, 67), (52, 51, 48), (121, 100, 101), (101, 100, 19),
  (100, 20, 19), (100, 99, 20), (120, 100, 121), (120, 119, 99), (100, 120, 99), (115, 114, 94),
  (114, 113, 94)])
UPPER, LOWER = INNER_LIP[:11], INNER_LIP[[0, *range(19, 9, -1)]]  # from corner to corner
DEEP = 0.8  # of a reference's opening: what lies below is stretched
SHUT = 0.01  # crops: between lips no farther apart nothing is seen, at twice that all is
STRETCH = 5  # up to which what is stretched is seen; at twice that nothing is
FLAT = 1e-7  # area in crops below which a triangle is drawn by its first corner alone


def landmark_flow(target: Float[np.ndarray, '131 2'], references: Float[np.ndarray, 'N 131 2'],
                  size: int) -> Float[np.ndarray, 'N size size 3']:
  """Where each pixel of a face lies in N other pictures of it, and whether it is seen there.

  The first two are from the pixel to that place, (x, y) in sides of the crop: affine within each of
  `TRIANGLES` between landmarks. What is seen between the lips keeps its size and its distance to
  the upper lip, as teeth do; where the target's mouth is open wider, what lies deepest in the
  reference's is stretched. The third is 1 where the place is seen, falls to 0 with the stretch, and
  is 0 between closed lips.

  Args:
    target: landmarks in the crop, [0, 1].
    references: the same of the other pictures, each in its own crop.
    size: side of the result in px.
  """
  corners = np.concatenate([target, RIM])
  triangle, share_b, share_c, between = _triangles_at(corners, size)
  open_share = inside_mouth(target, size) / np.float32(255)
  mouth = np.nonzero(between | (open_share > 0))
  places = (np.stack(mouth[::-1], axis=-1) + np.float32(0.5)) / np.float32(size)
  flows = np.ones((len(references), size, size, 3), np.float32)
  for flow, reference in zip(flows, references):
    moved = np.zeros((len(corners), 2), np.float32)
    moved[:len(target)] = reference - target
    a, b, c = np.moveaxis(moved[TRIANGLES], 1, 0)
    flow[..., :2] = a[triangle] + share_b * (b - a)[triangle] + share_c * (c - a)[triangle]
    source, seen = _between_lips(places, target, reference)
    flow[between, :2] = (source - places)[between[mouth]]
    flow[..., 2][mouth] = 1 - open_share[mouth] * (1 - seen)
  return flows


def _triangles_at(corners, size):
  """Of each pixel (size, size): its triangle, the barycentric coordinates (..., 1) of its second
  and third corner, and whether it lies between the lips, where the others say nothing."""
  triangle = np.full((size, size), len(TRIANGLES), np.int32)
  drawn = positions(corners, size).astype(np.int32)[TRIANGLES]
  for number, points in enumerate(drawn):
    cv2.fillConvexPoly(triangle, points, number, cv2.LINE_8, SUBPIXEL_BITS)
  between = triangle == len(TRIANGLES)
  triangle[between] = 0
  first, *others = np.moveaxis(corners[TRIANGLES], 1, 0)
  b, c = (corner - first for corner in others)
  area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
  across = np.stack([c[:, 1], -c[:, 0], -b[:, 1], b[:, 0]])  # turns a place into shares
  flat = np.abs(area) < FLAT
  across = np.where(flat, 0, across / np.where(flat, 1, area)).astype(np.float32)[:, triangle]
  centres = (np.arange(size, dtype=np.float32) + 0.5) / size
  x = centres - first[:, 0].astype(np.float32)[triangle]
  y = centres[:, None] - first[:, 1].astype(np.float32)[triangle]
  shares = (np.clip(across[i] * x + across[i + 1] * y, 0, 1)[..., None] for i in (0, 2))
  return triangle, *shares, between


def _between_lips(places, target, reference):
  """Where `places` (M, 2) between the target's lips lie in the reference, and how much of each is
  seen there, see `landmark_flow`."""
  axis = target[UPPER[-1]] - target[UPPER[0]]
  axis = axis / max(np.linalg.norm(axis), FLAT)
  turned = np.stack([axis, (-axis[1], axis[0])], axis=-1)  # along the mouth, and down
  along, down = (places @ turned).T
  column = np.arange(len(UPPER))
  points = target @ turned
  # The lower lip's points need not lie below the upper one's: each has columns of its own.
  top, bottom = (_column(points[lip], along) for lip in (UPPER, LOWER))
  highest = np.interp(top, column, points[UPPER, 1])
  depth = np.maximum(down - highest, 0)
  whole = np.interp(bottom, column, points[LOWER, 1]) - highest
  above = np.stack([np.interp(top, column, reference[UPPER, i]) for i in (0, 1)], axis=-1)
  below = np.stack([np.interp(bottom, column, reference[LOWER, i]) for i in (0, 1)], axis=-1)
  opening = np.maximum(np.linalg.norm(below - above, axis=-1), FLAT)
  room = np.maximum(whole, opening) - DEEP * opening
  deep = (depth - DEEP * opening) / room
  share = np.where(deep < 0, depth / opening, DEEP + (1 - DEEP) * np.minimum(deep, 1))
  stretch = room / ((1 - DEEP) * opening)
  seen = np.minimum(np.where(deep < 0, 1, np.clip(2 - stretch / STRETCH, 0, 1)),
                    np.clip(opening / SHUT - 1, 0, 1))
  return above + share[:, None] * (below - above), seen


def _column(lip, along):
  """Between which of the lip's points places `along` the mouth lie, as a fraction of its index."""
  return np.interp(along, np.maximum.accumulate(lip[:, 0]), np.arange(len(lip)))
