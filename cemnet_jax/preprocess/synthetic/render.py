"""Frames of a synthetic face: the still painting bent to the landmarks, and the features on top."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.preprocess.synthetic.action_units import AU_INDEX, NUM_AUS
from cemnet_jax.preprocess.synthetic.features import FeaturePainter, Teeth
from cemnet_jax.preprocess.synthetic.geometry import (
  CENTRE_Y,
  VIEW,
  landmarks,
  project,
  rotate,
  to_pixels,
)
from cemnet_jax.preprocess.synthetic.glasses import draw_glasses, outline
from cemnet_jax.preprocess.synthetic.identity import Identity
from cemnet_jax.preprocess.synthetic.motion import Motion
from cemnet_jax.preprocess.synthetic.paint import WRINKLES, paint

LANDMARK_STEP = 1 / 64  # landmarks are rounded to this many pixels: equal on every machine

# Landmarks that bend the painting: all but inner lips and every second eyelid point.
_BENDING = np.r_[0:59, 59, 63, 67, 71, 75, 79, 83, 87, 91:111]
_NODES = 64  # nodes per side of the bending grid
_STEPS = .8, .6, .6, .6, .8  # of the fixed-point search from forward displacement to lookup
_STIFFNESS = 2e-3
_WRINKLE_STRENGTH = np.array([.32, .32, .15, .34, .26, .20, .22], np.float32)
_AGED = np.array([.55, .55, .5, .25, .1, .7, .2])  # of each wrinkle at rest, at age 1


def _anchors() -> np.ndarray:
  """Points of hair, forehead and cheeks that follow the head but no muscle."""
  hair = [(x * side, y, -.4) for side in (-1, 1) for x, y in
          [(.5, -2.2), (1.3, -1.9), (1.8, -1.3), (2.0, -.5), (2.0, .4), (2.0, 1.2)]]
  forehead = [(x, y, 1.0 - .3 * abs(x)) for y in (-.95, -1.5) for x in (-1.2, -.6, 0, .6, 1.2)]
  cheeks = [(side * x, y, z) for side in (-1, 1)
            for x, y, z in [(1.15, .75, .7), (.8, 1.1, .95), (1.2, 1.5, .5)]]
  return np.array([*hair, *forehead, *cheeks])


def _frame_anchors() -> np.ndarray:
  """Points around the picture, and on the neck, that stay where they are."""
  left, top = -VIEW / 2, -CENTRE_Y * VIEW
  right, bottom = -left, top + VIEW
  border = [(x, y) for x in np.linspace(left, right, 6) for y in (top, bottom)]
  border += [(x, y) for x in (left, right) for y in np.linspace(top, bottom, 7)[1:-1]]
  return np.array([*border, (-1.1, bottom - .1), (1.1, bottom - .1)])


def _kernel(squared):
  """Thin-plate spline kernel r^2 log r^2."""
  return np.where(squared > 0, squared * np.log(np.maximum(squared, 1e-12)), 0)


def _spline_weights(controls: np.ndarray, nodes: np.ndarray) -> Float[np.ndarray, 'G n']:
  """Matrix that takes values at `controls` (n,2) to a thin-plate spline's values at `nodes`."""
  count = len(controls)
  gram = _kernel(((controls[:, None] - controls) ** 2).sum(-1)) + _STIFFNESS * np.eye(count)
  affine = np.c_[np.ones(count), controls]
  system = np.block([[gram, affine], [affine.T, np.zeros((3, 3))]])
  basis = np.c_[_kernel(((nodes[:, None] - controls) ** 2).sum(-1)), np.ones(len(nodes)), nodes]
  right = np.eye(count + 3, count)
  return (basis @ np.linalg.solve(system, right)).astype(np.float32)


def _wrinkle_weights(au: Float[np.ndarray, 'T 20'], age: float) -> Float[np.ndarray, 'T 7']:
  """Depth of each wrinkle of paint.WRINKLES; old skin keeps some of all of them."""
  def unit(name):
    return au[:, AU_INDEX[name]]
  lift = .35 * unit('AU6') + .45 * unit('AU10') + .35 * unit('AU9')
  depth = dict(
    fold_right=np.clip(.75 * unit('AU12R') + lift, 0, 1.5),
    fold_left=np.clip(.75 * unit('AU12L') + lift, 0, 1.5),
    forehead=np.clip(.45 * (unit('AU1') + unit('AU2')), 0, 1),
    frown=np.clip(unit('AU4') + .3 * unit('AU9') - .15, 0, 1.3), nose=unit('AU9'),
    crow=np.clip(unit('AU6') + .3 * unit('AU7') - .1, 0, 1.2), chin=unit('AU17'))
  moved = np.stack([depth[name] for name in WRINKLES], 1)
  return np.float32(moved + age * _AGED) * _WRINKLE_STRENGTH


class FaceRenderer:
  """Draws one speaker in square pictures of `size` pixels.

  Args:
    identity: the speaker.
    size: S, pixels; the picture shows the same at any size.
    supersample: draw at this many times the size and average.
  """

  def __init__(self, identity: Identity, size: int, supersample: int = 1):
    cv2.setNumThreads(1)  # datasets are built in parallel processes of one core each
    self.identity, self.size, self.supersample = identity, size, supersample
    self._inner = inner = size * supersample
    self._unit = inner / VIEW
    still = np.zeros((1, 8))
    still[:, 5] = .5
    rest, extras = landmarks(identity, np.zeros((1, NUM_AUS)), still, np.zeros(1))
    self._distance = identity.camera.distance
    self._anchors, self._fixed = _anchors(), _frame_anchors()
    self._rest = np.concatenate([rest[0, _BENDING, :2], self._anchors[:, :2], self._fixed])
    cell = VIEW / _NODES
    rows, columns = np.mgrid[0:_NODES, 0:_NODES]
    nodes = np.stack([(columns + .5) * cell - VIEW / 2, (rows + .5) * cell - CENTRE_Y * VIEW], -1)
    # Displacements come out in cells of the bending grid.
    self._bend = _spline_weights(self._rest, nodes.reshape(-1, 2)) / np.float32(cell)
    self._node = np.stack([columns, rows], -1).astype(np.float32)
    rows, columns = np.mgrid[0:inner, 0:inner]
    self._pixel = np.stack([columns, rows], -1).astype(np.float32)
    self._painting = paint(identity, rest[0], inner)
    self._opaque = np.ones((inner, inner), np.float32)
    self._features = FeaturePainter(identity.look, self._painting.glow, self._unit)
    self._glasses = identity.glasses and outline(identity.glasses, extras.eyes,
                                                 identity.shape.face_width)

  def landmarks_px(self, motion: Motion) -> Float[np.ndarray, 'T 131 2']:
    """Landmarks in pixels of the picture, rounded to 1/64 pixel."""
    points, _ = landmarks(self.identity, motion.units(), motion.viseme, motion.blink)
    pixels = project(points, motion.pose, self.size, self._distance)
    return np.round(pixels / LANDMARK_STEP) * LANDMARK_STEP

  def frames(self, motion: Motion) -> tuple[UInt8[np.ndarray, 'T S S 3'],
                                            Float[np.ndarray, 'T 131 2']]:
    """RGB pictures of `motion` and their landmarks (see `landmarks_px`)."""
    units = motion.units()
    points, extras = landmarks(self.identity, units, motion.viseme, motion.blink)
    num_frames, inner = len(points), self._inner
    drawn = project(points, motion.pose, inner, self._distance)
    displacement = self._displacement(points, motion.pose)
    irises = self._irises(motion, extras.eyes)
    upper, lower = self._teeth(motion, extras.jaw)
    depth = _wrinkle_weights(units, self.identity.look.age)
    glasses = self._glasses_lines(motion)
    out = np.empty((num_frames, self.size, self.size, 3), np.uint8)
    for t in range(num_frames):
      image = self._bent(displacement[t], depth[t])
      self._features.draw(image, drawn[t], irises[t], Teeth(upper[t], lower[t]), extras.gap[t],
                          extras.tongue[t])
      if glasses:
        draw_glasses(image, {name: line[t] for name, line in glasses.items()},
                     self.identity.glasses, self._features.unit, self._features.zoom)
      out[t] = image if self.supersample == 1 else cv2.resize(
        image, (self.size, self.size), interpolation=cv2.INTER_AREA)
    pixels = project(points, motion.pose, self.size, self._distance)
    return out, np.round(pixels / LANDMARK_STEP) * LANDMARK_STEP

  def _displacement(self, points, pose) -> Float[np.ndarray, 'T n 2']:
    """How far each control point of the bending is from its rest, head units."""
    def repeat(fixed):
      return np.broadcast_to(fixed, (len(points), *fixed.shape))
    moving = np.concatenate([points[:, _BENDING], repeat(self._anchors)], 1)
    moved = np.concatenate([rotate(moving, pose, self._distance), repeat(self._fixed)], 1)
    return (moved - self._rest).astype(np.float32)

  def _bent(self, displacement, depth) -> UInt8[np.ndarray, 'R R 3']:
    """The painting under a displacement of its control points (n,2), head units."""
    forward = (self._bend @ displacement).reshape(_NODES, _NODES, 2)
    backward = forward
    for step in _STEPS:
      lookup = self._node - backward
      there = cv2.remap(forward, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
      backward = cv2.addWeighted(backward, 1 - step, there, step, 0)
    inner = self._inner
    backward = cv2.resize(backward, (inner, inner), interpolation=cv2.INTER_LINEAR)
    lookup = self._pixel - backward * np.float32(inner / _NODES)
    light = 1 - np.tensordot(depth, self._painting.wrinkles, 1)
    head = cv2.multiply(self._painting.head, cv2.merge([light, light, light, self._opaque]))
    head = cv2.remap(head, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    through = 1 - head[..., 3]
    scene = cv2.multiply(self._painting.scene, cv2.merge([through, through, through]))
    return cv2.convertScaleAbs(cv2.add(scene, cv2.cvtColor(head, cv2.COLOR_RGBA2RGB)))

  def _turned(self, points, motion: Motion) -> Float[np.ndarray, 'T n 2']:
    """Still points (n,3) of the head, or (T,n,3), in pixels of the drawing."""
    points = np.broadcast_to(points, (len(motion.au), *points.shape[-2:]))
    return to_pixels(rotate(points, motion.pose, self._distance), self._inner)

  def _irises(self, motion: Motion, eyes) -> Float[np.ndarray, 'T 2 2']:
    at = self._turned(np.c_[eyes - [0, .015], [.86, .86]], motion)
    return at + .08 * self._unit * motion.gaze[:, None]

  def _glasses_lines(self, motion: Motion):
    return self._glasses and {name: self._turned(line, motion)
                              for name, line in self._glasses.items()}

  def _teeth(self, motion: Motion, jaw):
    """Ends of both rows; the upper hangs from the skull, the lower moves with the jaw."""
    shape = self.identity.shape
    y = np.full_like(jaw, 1.655 + shape.mouth_y)

    def row(half_width, height):
      ends = np.stack([np.stack([np.full_like(jaw, x), height], -1)
                       for x in (-half_width, half_width)], 1)
      ends = shape.settle(ends)
      return self._turned(np.concatenate([ends, np.ones_like(ends[..., :1])], -1), motion)

    half = .30 + .32 * shape.mouth_width
    return row(half, y), row(.88 * half, y + .17 + .42 * jaw)
