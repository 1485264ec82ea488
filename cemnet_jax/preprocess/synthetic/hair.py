"""Hair of a synthetic speaker: two sets of three cuts, painted behind and over the head."""

import numpy as np
from scipy.interpolate import CubicSpline

from cemnet_jax.preprocess.synthetic.canvas import over

# Right halves of outlines in head units, from the top middle downwards; they are mirrored.
# Each cut: (outline of the cap, hairline on the forehead, outline of the hair behind or None).
_SHORT_CAP = [(0, -2.26), (.75, -2.16), (1.32, -1.82), (1.70, -1.25), (1.83, -.6), (1.78, .12)]
_CUTS = {
  (False, 0): (_SHORT_CAP,  # short, parted
               [(0, -1.34), (.60, -1.32), (1.12, -1.12), (1.40, -.75), (1.54, -.3), (1.66, .22)],
               None),
  (False, 1): ([(0, -2.10), (.75, -2.02), (1.30, -1.70), (1.66, -1.2), (1.77, -.6), (1.73, .0)],
               [(0, -1.58), (.45, -1.48), (.98, -1.36), (1.38, -.95), (1.58, -.45), (1.68, .1)],
               None),  # cropped and receding
  (False, 2): ([(0, -2.30), (.80, -2.24), (1.45, -1.92), (1.88, -1.3), (2.02, -.5), (1.92, .42)],
               [(0, -1.18), (.50, -1.20), (1.00, -1.02), (1.36, -.70), (1.52, -.2), (1.64, .45)],
               None),  # full
  (True, 0): ([(0, -2.28), (.80, -2.18), (1.50, -1.75), (1.95, -.9), (2.08, .5), (2.02, 2.5)],
              [(0, -1.50), (.55, -1.28), (1.08, -.86), (1.44, -.2), (1.58, .8), (1.50, 2.5)],
              [(0, -2.1), (1.5, -1.6), (2.0, -.4), (2.16, 1.2), (2.12, 2.6), (1.75, 3.3)]),  # long
  (True, 1): ([(0, -2.30), (.85, -2.20), (1.58, -1.75), (2.02, -.8), (2.08, .3), (1.86, 1.45)],
              [(0, -1.16), (.55, -1.12), (1.08, -.96), (1.42, -.5), (1.58, .4), (1.62, 1.45)],
              [(0, -2.1), (1.5, -1.6), (2.0, -.4), (2.10, .8), (1.90, 1.7), (1.3, 1.9)]),  # bob
  (True, 2): ([(0, -2.22), (.78, -2.14), (1.38, -1.80), (1.76, -1.2), (1.86, -.5), (1.78, .25)],
              [(0, -1.48), (.52, -1.38), (1.06, -1.10), (1.42, -.70), (1.58, -.2), (1.68, .3)],
              [(0, -2.75), (.45, -2.68), (.66, -2.40), (.60, -2.1), (.3, -1.9), (.0, -1.9)]),  # bun
}


def _rim(half, skew=0., width=1.):
  """A smooth line from the image-left end over the top to the image-right end."""
  half = np.asarray(half, float) * [width, 1]
  points = np.concatenate([half[::-1] * [-1, 1], half[1:]])
  points[:, 1] += skew * np.exp(-((points[:, 0] - .55 * np.sign(skew)) / .5) ** 2) * np.sign(skew)
  along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
  return CubicSpline(along, points)(np.linspace(0, along[-1], 60))


def paint_hair(canvas, look, width, head, *, skin, ears) -> None:
  """Paint hair behind, ears, face and front hair into `head` (RGBA floats, in place).

  Args:
    width: of the face, 1 on average.
    skin, ears: (colour, mask) of the face and of the ears.
  """
  x, y = canvas.x, canvas.y
  cap, line, behind = _CUTS[look.feminine, look.hairstyle]
  skew = .16 if look.hairstyle == 0 else 0.
  width = 1.02 * width  # hair lies around the head
  outer, hairline = _rim(cap, width=width), _rim(line, skew, width)
  front = canvas.area(np.concatenate([outer, hairline[::-1]]), .035)
  cap_area = canvas.area(outer, .03)
  strand = canvas.noise(.018, .30 if look.feminine else .12)
  glow = np.exp(-((y + 1.72 - .22 * x * x - .15 * look.light[0] * x) / .22) ** 2)
  shade = (.82 + .10 * x * look.light[0] - .10 * (y + 1.2)).clip(.55, 1.15)
  colour = look.hair * (shade * (1 + .09 * strand) + .32 * glow)[..., None] + 9 * glow[..., None]
  if behind is not None:
    over(head, colour * .62, canvas.area(_rim(behind, width=width), .03))
  covered = look.feminine and look.hairstyle < 2
  over(head, colour * .7, cap_area * (y < .3))
  if not covered:
    over(head, *ears)
  over(head, *skin)
  shadow = canvas.blur(front, .10) * (1 - front)
  head[..., :3] *= (1 - .30 * shadow)[..., None]
  over(head, colour, front)
