"""The 131 landmarks of a synthetic face as a closed formula of identity, action units and visemes.

Head frame: units of half the outer-eye distance, x to the right of the picture, y down, z to the
camera, origin between the eyes at brow-bridge height. Point order is `cemnet_jax.topology`'s.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import AU_INDEX
from cemnet_jax.preprocess.synthetic.identity import Identity
from cemnet_jax.preprocess.synthetic.mouth import mouth
from cemnet_jax.preprocess.synthetic.shape import Shape

# The picture spans VIEW head units; the origin lies at half its width and CENTRE_Y of its height.
VIEW, CENTRE_Y = 6.5, .36
_PIVOT = np.array([0, 1.0, -.6])  # the head turns about this point

# Half of the lower oval from temple (mesh 162) to chin (152), where MediaPipe sees it.
_OVAL_X = np.array([1.687, 1.747, 1.743, 1.717, 1.655, 1.548, 1.39, 1.19, .95, .73, .52, .285, 0])
_OVAL_Y = np.array([-.21, .15, .51, .885, 1.29, 1.71, 2.03, 2.24, 2.41, 2.505, 2.59, 2.655, 2.673])
_OVAL_Z = np.array([-.20, -.43, -.51, -.55, -.52, -.44, -.30, -.02, .27, .59, .80, .91, .96])

_EYE_X, _EYE_Y = .68, .125  # eye centre
# Eyelid points between the inner (-1) and the outer corner (1): MediaPipe spaces them unevenly.
_UPPER_LID = np.array([-1, -.875, -.60, -.20, .19, .56, .78, .89, 1])
_LOWER_LID = np.array([-.88, -.63, -.275, .11, .47, .70, .85])


class Extras(NamedTuple):
  """What the painter needs beside the landmarks; arrays (T,) unless said."""

  jaw: Float[np.ndarray, ' T']
  gap: Float[np.ndarray, ' T']  # inner lip opening
  tongue: Float[np.ndarray, ' T']  # 0 down to 1 between the teeth
  eyes: Float[np.ndarray, '2 2']  # centres, image-left eye first


def activation(au: Float[np.ndarray, 'T 20']):
  """A function name -> (T,1) column of `au`."""
  return lambda name: au[:, AU_INDEX[name], None]


def _oval(shape: Shape, unit, jaw) -> np.ndarray:
  along = np.linspace(0, 1, 13)
  square = 1 + (shape.jaw_width - 1) * np.exp(-((along - .6) / .25) ** 2)
  pointed = 1 + (shape.chin_width - 1) * np.exp(-((along - .82) / .16) ** 2)
  x = _OVAL_X * shape.face_width * square * pointed
  y = (_OVAL_Y + shape.chin * np.clip((along - .4) / .6, 0, 1)
       + shape.jaw_angle * np.exp(-((along - .5) / .22) ** 2)
       + shape.temple * np.clip(1 - along / .6, 0, 1))
  reach = np.clip((along - .25) / .75, 0, 1) ** 1.3  # how far a point follows the jaw
  points = np.zeros((len(jaw), 25, 3))
  for side, index in ((-1, np.arange(13)), (1, 24 - np.arange(13))):
    points[:, index, 0] = side * x * (1 - .02 * jaw * reach)
    points[:, index, 1] = y + (.40 * jaw - .06 * unit('AU17')) * reach
    points[:, index, 2] = _OVAL_Z - .12 * jaw * reach
  return points


def _eye(shape: Shape, unit, blink, side: int) -> np.ndarray:
  """(T,16,3): ring of one eye in mesh order, `side` -1 for the left of the picture."""
  upper = shape.eye_height * (1 + .75 * unit('AU5') - .35 * unit('AU7') - .22 * unit('AU6')
                              - .12 * unit('AU4') - .1 * unit('AU9'))
  lower = shape.eye_height * shape.lower_lid * (1 - .40 * unit('AU7') - .55 * unit('AU6')
                                    - .15 * unit('AU9') + .1 * unit('AU5'))
  shut = np.clip(blink, 0, 1)[:, None]
  upper = upper * (1 - shut) - lower * .75 * shut

  def rim(along, height):
    bulge = 1 - np.abs(along) ** 2.2
    x = side * (_EYE_X + shape.eye_x + shape.eye_width * along)
    y = _EYE_Y + shape.eye_y + shape.eye_tilt * along + height * bulge
    return np.stack([np.broadcast_to(x, y.shape), y], -1)

  top = rim(_UPPER_LID, -upper - .012 * unit('AU1') * (_UPPER_LID < 0))
  bottom = rim(_LOWER_LID, lower - .03 * unit('AU6'))
  # The right eye's ring starts at the outer corner (33), the left eye's at the inner one (362);
  # both run along the upper lid and return along the lower one.
  ring = [top[:, ::-1], bottom] if side < 0 else [top, bottom[:, ::-1]]
  ring = np.concatenate(ring, 1)
  z = .86 - .25 * np.clip(np.abs(ring[..., :1]) - .7, -.3, .4)
  return np.concatenate([ring, z], -1)


def _brow(shape: Shape, asymmetry: float, unit, side: int) -> np.ndarray:
  """(T,10,3): upper rim then lower rim of one brow in mesh order."""
  x0 = np.array([.36, .70, .965, 1.165, 1.30])  # upper rim, inner to outer
  x1 = np.array([.325, .67, .93, 1.11, 1.25])  # lower rim
  y0 = (-.31 + shape.brow_y - shape.brow_arch * np.array([0, .6, 1, .3, -1.6])
        + shape.brow_tilt * (x0 - .8))
  inner, outer = np.array([1, .75, .35, .1, 0]), np.array([.1, .35, .7, 1, .9])
  middle = np.array([1, .8, .5, .25, .1])
  more = 1 + side * asymmetry
  y = (y0 - .165 * unit('AU1') * inner * more - .15 * unit('AU2') * outer * more
       + .15 * unit('AU4') * middle * more + .06 * unit('AU9') * middle - .02 * unit('AU5')
       + .015 * unit('AU6') * outer)
  pinch = .09 * unit('AU4') * inner + .02 * unit('AU9') * inner
  gap = shape.brow_gap * np.array([1, .7, .4, .2, 0])
  thick = shape.brow_thickness * np.array([1.7, 1.2, 1.1, .9, .45])

  def rim(x, y):
    z = np.broadcast_to(1.18 - .42 * (x / 1.3) ** 2, y.shape)
    return np.stack([side * (x + gap - pinch), y, z], -1)

  upper, lower = rim(x0, y), rim(x1, y + thick)
  # The right brow runs outer to inner above and back below; the left one inner to outer first.
  rims = [upper[:, ::-1], lower] if side < 0 else [upper, lower[:, ::-1]]
  return np.concatenate(rims, 1)


def _nose(shape: Shape, unit) -> np.ndarray:
  """(T,14,3): five bridge points, then nine along the underside."""
  num_frames = len(unit('AU9'))
  bridge = np.zeros((num_frames, 5, 3))
  bridge[..., 1] = (np.array([.045, .225, .365, .48, .60])
                    + shape.nose_length * np.array([0, .3, .5, .8, 1])
                    - .03 * unit('AU9') * np.array([.1, .2, .4, .7, 1]))
  bridge[..., 2] = 1.18 + np.array([0, .12, .24, .35, .46]) * shape.nose_height
  half_x, half_y = np.array([.36, .30, .21, .11]), np.array([.855, .81, .785, .775])
  half_z = np.array([1.3, 1.42, 1.55, 1.64])
  x = np.concatenate([-half_x, [0], half_x[::-1]]) * shape.nose_width
  y = np.concatenate([half_y, [.765], half_y[::-1]]) + shape.nose_length
  lateral = np.abs(x) / .36
  y = y + shape.nose_tip * (1 - lateral)
  under = np.zeros((num_frames, 9, 3))
  smile = (unit('AU12L') + unit('AU12R')) / 2
  under[..., 0] = x * (1 + .07 * unit('AU9') + .04 * smile)
  under[..., 1] = y - .09 * unit('AU9') * lateral - .03 * unit('AU10') * lateral
  under[..., 2] = np.concatenate([half_z, [1.68], half_z[::-1]])
  return np.concatenate([bridge, under], 1)


def landmarks(identity: Identity, au: Float[np.ndarray, 'T 20'],
              viseme: Float[np.ndarray, 'T 8'], blink: Float[np.ndarray, ' T']
              ) -> tuple[Float[np.ndarray, 'T 131 3'], Extras]:
  """Landmarks in the head frame, and what else the painter needs."""
  shape, habits, unit = identity.shape, identity.habits, activation(au)
  lips = mouth(shape, habits, unit, viseme)
  points = np.concatenate([
    _oval(shape, unit, lips.jaw[:, None]),
    _brow(shape, habits.brow_asymmetry, unit, -1), _brow(shape, habits.brow_asymmetry, unit, 1),
    _nose(shape, unit), _eye(shape, unit, blink, -1), _eye(shape, unit, blink, 1),
    lips.outer, lips.inner], 1)
  points[..., :2] = shape.settle(points[..., :2])
  x, y = _EYE_X + shape.eye_x, _EYE_Y + shape.eye_y
  extras = Extras(lips.jaw, lips.gap, lips.tongue, shape.settle([[-x, y], [x, y]]))
  return points, extras


def rotate(points: Float[np.ndarray, 'T L 3'], pose: Float[np.ndarray, 'T 6'],
           distance: float) -> Float[np.ndarray, 'T L 2']:
  """Turn, shift and scale the head by `pose`, seen by a camera at `distance` (head units).

  Positive yaw turns the nose to the right of the picture, positive pitch raises it.
  """
  yaw, pitch, roll = (pose[:, i, None] for i in range(3))
  x, y, z = np.moveaxis(points - _PIVOT, -1, 0)
  x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
  y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
  x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
  near = distance / (distance - z) * pose[:, 5, None]
  return np.stack([x * near, y * near], -1) + _PIVOT[:2] + pose[:, None, 3:5]


def to_pixels(points: Float[np.ndarray, '*any 2'], size: int) -> Float[np.ndarray, '*any 2']:
  """Head units to pixels of a square picture of `size` pixels."""
  return points * (size / VIEW) + np.array([.5 * size, CENTRE_Y * size])


def project(points: Float[np.ndarray, 'T L 3'], pose: Float[np.ndarray, 'T 6'], size: int,
            distance: float) -> Float[np.ndarray, 'T L 2']:
  """Head frame to pixels of a square picture of `size` pixels."""
  return to_pixels(rotate(points, pose, distance), size)
