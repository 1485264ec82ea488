"""Where the pixels of a face lie in another picture of it, by the landmarks of both alone."""

from functools import partial

import cv2
import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.sketch import SUBPIXEL_BITS, inside_mouth, positions
from cemnet_jax.topology import INNER_LIP, OUTER_LIP

# From the outer lip's points to points around it, .03 of the crop away, that move with them: what
# is beside the lips keeps its size, as the lips' ends do, and is not drawn out towards the jaw.
# Points 131 to 150; their directions are the outline's normals in that average face.
AROUND = np.array([
  (-.0299, -.0022), (-.0227, -.0196), (-.0208, -.0216), (-.0177, -.0242), (-.0089, -.0286),
  (.0000, -.0300), (.0089, -.0286), (.0177, -.0242), (.0208, -.0216), (.0227, -.0196),
  (.0299, -.0022), (.0254, .0160), (.0237, .0183), (.0201, .0223), (.0121, .0274), (.0000, .0300),
  (-.0121, .0274), (-.0201, .0223), (-.0237, .0183), (-.0254, .0160)])
# Points of the crop's rim that stay where they are, (x, y) in its sides; numbered from 151 on.
RIM = np.array([(0, 0), (0, .25), (0, .5), (0, .75), (0, 1), (.25, 0), (.25, 1), (.5, 0), (.5, 1),
                (.75, 0), (.75, 1), (1, 0), (1, .25), (1, .5), (1, .75), (1, 1)])
# Delaunay triangulation of oval, nose, eye corners, lips, points around them and rim in an average
# open-mouthed face of the synthetic world, made symmetric; without those between the lips.
TRIANGLES = np.array([
  (159, 11, 12), (152, 2, 153), (2, 152, 1), (59, 2, 1), (157, 11, 159), (0, 59, 1), (59, 0, 156),
  (156, 0, 151), (0, 152, 151), (152, 0, 1), (160, 75, 158), (75, 45, 158), (45, 67, 158),
  (67, 156, 158), (67, 59, 156), (67, 50, 59), (165, 19, 164), (11, 146, 12), (140, 19, 141),
  (18, 19, 165), (19, 18, 141), (157, 10, 11), (9, 10, 157), (7, 157, 155), (154, 7, 155),
  (7, 154, 6), (83, 75, 160), (83, 58, 75), (19, 20, 164), (140, 20, 19), (75, 46, 45),
  (47, 46, 75), (46, 67, 45), (46, 47, 67), (51, 50, 67), (48, 47, 75), (47, 48, 67), (48, 51, 67),
  (4, 3, 50), (59, 3, 2), (50, 3, 59), (2, 3, 153), (3, 4, 153), (132, 5, 4), (154, 5, 6),
  (5, 154, 153), (4, 5, 153), (146, 13, 12), (13, 159, 12), (13, 161, 159), (18, 17, 141),
  (161, 17, 166), (17, 165, 166), (17, 18, 165), (24, 83, 160), (83, 24, 23), (24, 160, 162),
  (163, 24, 162), (24, 163, 23), (83, 21, 58), (21, 20, 58), (20, 21, 164), (49, 55, 54),
  (53, 49, 54), (49, 56, 55), (56, 49, 48), (136, 53, 54), (55, 136, 54), (145, 13, 146),
  (106, 145, 146), (15, 16, 161), (16, 17, 161), (107, 148, 108), (127, 107, 108), (106, 107, 126),
  (107, 127, 126), (147, 10, 9), (148, 147, 9), (107, 147, 148), (147, 146, 11), (10, 147, 11),
  (147, 106, 146), (147, 107, 106), (8, 148, 9), (8, 9, 157), (7, 8, 157), (22, 83, 23),
  (22, 21, 83), (21, 22, 164), (22, 163, 164), (163, 22, 23), (58, 57, 75), (57, 48, 75),
  (57, 56, 48), (48, 52, 51), (49, 52, 48), (52, 49, 53), (135, 134, 50), (134, 135, 95),
  (135, 136, 95), (51, 135, 50), (52, 135, 51), (136, 135, 53), (135, 52, 53), (133, 4, 50),
  (134, 133, 50), (133, 132, 4), (56, 137, 55), (137, 136, 55), (137, 57, 58), (57, 137, 56),
  (137, 58, 138), (94, 134, 95), (94, 133, 134), (14, 145, 15), (145, 14, 13), (14, 15, 161),
  (13, 14, 161), (105, 106, 126), (105, 145, 106), (99, 139, 140), (139, 20, 140), (58, 139, 138),
  (20, 139, 58), (100, 99, 140), (5, 131, 6), (131, 5, 132), (131, 7, 6), (131, 150, 7),
  (109, 129, 108), (8, 149, 148), (109, 149, 150), (149, 8, 7), (150, 149, 7), (148, 149, 108),
  (149, 109, 108), (137, 97, 136), (97, 137, 138), (128, 127, 108), (129, 128, 108), (99, 120, 119),
  (100, 120, 99), (94, 93, 133), (92, 93, 112), (133, 93, 132), (93, 92, 132), (98, 97, 138),
  (139, 98, 138), (98, 139, 99), (98, 99, 119), (118, 98, 119), (115, 94, 95), (94, 115, 114),
  (117, 98, 118), (98, 117, 97), (97, 96, 136), (136, 96, 95), (117, 96, 97), (96, 117, 116),
  (96, 115, 95), (115, 96, 116), (125, 105, 126), (91, 131, 132), (92, 91, 132), (131, 91, 150),
  (113, 94, 114), (113, 93, 94), (93, 113, 112), (123, 104, 124), (125, 104, 105), (104, 125, 124),
  (110, 109, 150), (91, 110, 150), (101, 140, 141), (101, 100, 140), (17, 142, 141),
  (142, 101, 141), (101, 142, 102), (103, 104, 123), (122, 103, 123), (103, 122, 102),
  (142, 103, 102), (109, 130, 129), (110, 130, 109), (111, 91, 92), (111, 110, 91), (111, 92, 112),
  (111, 130, 110), (122, 121, 102), (121, 120, 100), (101, 121, 100), (121, 101, 102),
  (143, 103, 142), (16, 143, 17), (143, 142, 17), (103, 143, 104), (143, 144, 104), (145, 144, 15),
  (144, 16, 15), (144, 143, 16), (105, 144, 145), (104, 144, 105)])
UPPER, LOWER = INNER_LIP[:11], INNER_LIP[[0, *range(19, 9, -1)]]  # from corner to corner
DEEP = 0.8  # of a reference's opening: what lies below is stretched
SHUT = 0.01  # crops: between lips no farther apart nothing is seen, at twice that all is
STRETCH = 5  # up to which what is stretched is seen; at twice that nothing is
FLAT = 1e-7  # area in crops below which a triangle is drawn by its first corner alone


def landmark_flow(target: Float[np.ndarray, '131 2'], references: Float[np.ndarray, 'N 131 2'],
                  size: int, top: int = 0) -> Float[np.ndarray, 'N size size 3']:
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
    top: rows above this one are not wanted: there nothing moves.
  """
  corners = mesh_points(target)
  triangle, share_b, share_c, between = _triangles_at(corners, size, top)
  open_share = inside_mouth(target, size)[top:] / np.float32(255)
  mouth = np.nonzero(between | (open_share > 0))
  places = (np.stack(mouth[::-1], axis=-1) + np.float32([0.5, top + 0.5])) / np.float32(size)
  flows = np.zeros((len(references), size, size, 3), np.float32)
  flows[..., 2] = 1
  for flow, reference in zip(flows[:, top:], references):
    moved = (mesh_points(reference) - corners).astype(np.float32)
    a, b, c = np.moveaxis(moved[TRIANGLES], 1, 0)
    of_pixel = partial(np.take, indices=triangle, axis=0)  # several times faster than brackets
    flow[..., :2] = of_pixel(a) + share_b * of_pixel(b - a) + share_c * of_pixel(c - a)
    source, seen = _between_lips(places, target, reference)
    flow[between, :2] = (source - places)[between[mouth]]
    flow[..., 2][mouth] = 1 - open_share[mouth] * (1 - seen)
  return flows


def mesh_points(landmarks: Float[np.ndarray, '131 2']) -> Float[np.ndarray, '167 2']:
  """The points of `TRIANGLES` in a face, in the crop: its landmarks, those around the lips, and the
  crop's rim."""
  return np.concatenate([landmarks, landmarks[OUTER_LIP] + AROUND, RIM])


def _triangles_at(corners, size, top):
  """Of each pixel from row `top` on: its triangle, the barycentric coordinates (..., 1) of the
  second and third corner, and whether it lies between the lips, where the others say nothing."""
  triangle = np.full((size, size), len(TRIANGLES), np.int32)
  drawn = positions(corners, size).astype(np.int32)[TRIANGLES]
  for number, points in enumerate(drawn):
    cv2.fillConvexPoly(triangle, points, number, cv2.LINE_8, SUBPIXEL_BITS)
  triangle = triangle[top:]
  between = triangle == len(TRIANGLES)
  triangle[between] = 0
  first, *others = np.moveaxis(corners[TRIANGLES], 1, 0)
  b, c = (corner - first for corner in others)
  area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
  across = np.stack([c[:, 1], -c[:, 0], -b[:, 1], b[:, 0]])  # turns a place into shares
  flat = np.abs(area) < FLAT
  across = np.where(flat, 0, across / np.where(flat, 1, area)).astype(np.float32).take(triangle, 1)
  centres = (np.arange(size, dtype=np.float32) + 0.5) / size
  x = centres - first[:, 0].astype(np.float32).take(triangle)
  y = centres[top:, None] - first[:, 1].astype(np.float32).take(triangle)
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
