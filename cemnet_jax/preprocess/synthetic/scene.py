"""What stands around a synthetic head: background with or without clutter, neck and shoulders."""

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.canvas import Canvas
from cemnet_jax.preprocess.synthetic.identity import Identity

_SHIRT = np.array([(-3.4, 4.6), (-3.2, 3.85), (-1.9, 3.5), (-1.05, 3.3), (-.7, 3.72), (0, 3.95),
                   (.7, 3.72), (1.05, 3.3), (1.9, 3.5), (3.2, 3.85), (3.4, 4.6)])
_NECK = np.array([(-1.18, 1.4), (-1.2, 2.9), (-1.5, 4.3), (1.5, 4.3), (1.2, 2.9), (1.18, 1.4)])


def _clutter(canvas: Canvas, scene, count: int) -> np.ndarray:
  """Furniture, windows and lamps: soft boxes and discs of any colour, out of focus together."""
  u = canvas.random.uniform
  for _ in range(count):
    centre, half = u([-3.2, -2.4], [3.2, 3.2]), u(.1, 1.1, 2) * u(.5, 1.3, 2)
    if u() < .7:
      corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
      turn = u(-.1, .1)
      cos, sin = np.cos(turn), np.sin(turn)
      mask = canvas.area(centre + corners @ np.array([[cos, sin], [-sin, cos]]))
    else:
      mask = np.clip(1.6 * canvas.spot(*centre, *half), 0, 1)
    colour = np.clip(u(10, 245) * u(.6, 1.2, 3), 0, 255).astype(np.float32)
    mask = (u(.3, .95) * mask)[..., None]
    scene = scene * (1 - mask) + colour * mask
  return canvas.blur(scene.astype(np.float32), u(.02, .22))


def paint_scene(canvas: Canvas, identity: Identity) -> Float[np.ndarray, 'H W 3']:
  """Background, neck and shoulders."""
  x, y, look = canvas.x, canvas.y, identity.look
  fade = 1.10 - .20 * np.hypot(x / 3.0, (y - .5) / 3.2)[..., None] ** 2
  scene = np.clip(look.background * fade * (1 + .05 * x * look.light[0])[..., None], 0, 255)
  if look.clutter:
    scene = _clutter(canvas, scene, look.clutter)
  wide = np.array([identity.shape.face_width, 1])
  neck = canvas.area(_NECK * wide)
  under_chin = 1 - .42 * np.exp(-((y - 2.7) / .55) ** 2)
  round_neck = np.clip(1 - .16 * x ** 2 + .22 * look.contrast * x * look.light[0], .4, 1.1)
  colour = look.skin * .78 * (under_chin * round_neck)[..., None]
  scene = scene * (1 - neck[..., None]) + colour * neck[..., None]
  shirt = canvas.area(_SHIRT * wide)
  cloth = 1.02 - .10 * np.abs(x) + .06 * x * look.light[0] + .03 * canvas.noise(.02)
  cloth = look.shirt * cloth[..., None]
  scene = scene * (1 - shirt[..., None]) + cloth * shirt[..., None]
  return np.clip(scene, 0, 255).astype(np.float32)
