"""The shape of a synthetic speaker's face: bone and flesh, drawn at random.

Lengths are in head units: half the distance between the outer eye corners is about 1. Means and
spreads are those that make real faces lie inside (`python -m benchmarks.face_shapes`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_LIMIT = 2.4  # standard deviations: nobody is further from the mean
# Heights of average points under the origin, and the part of a lip that shows at rest.
_NOSE_TIP, _MOUTH, _CHIN, _REST = .765, 1.695, 2.673, .78
_WAVES = 12
_WAVELENGTHS = 1.3, 5.0  # head units
_WAVE_SD = .020  # of what the waves together move a point in x and in y


@dataclass(frozen=True)
class Shape:
  """Bone and flesh of a face; multipliers are around 1, the rest are head units."""

  face_width: float
  jaw_width: float
  chin_width: float
  chin: float  # lower chin
  jaw_angle: float  # lower corners of the jaw
  temple: float  # lower upper half of the oval
  skew: float  # how far the chin lies to the right
  eye_x: float
  eye_y: float
  eye_width: float
  eye_height: float
  lower_lid: float  # its height over that of the upper lid
  eye_tilt: float
  brow_y: float
  brow_gap: float
  brow_thickness: float
  brow_arch: float
  brow_tilt: float
  nose_length: float
  nose_width: float
  nose_height: float
  nose_tip: float  # lower tip, the wings stay
  mouth_width: float
  mouth_y: float
  upper_lip: float
  lower_lip: float
  lip_profile: float  # exponent: how far towards the corners lips stay thick
  cupid_bow: float
  corner_rest: float
  # What no measure above says: amplitudes in x, y, wave numbers in x, y and phase of each wave.
  waves: Float[np.ndarray, 'K 5']

  def settle(self, points: Float[np.ndarray, '*any 2']) -> Float[np.ndarray, '*any 2']:
    """Bend the face's plane by this face's own irregularity: no face is symmetric."""
    points = np.asarray(points, float)
    phase = points @ self.waves[:, 2:4].T + self.waves[:, 4]
    return points + np.sin(phase) @ self.waves[:, :2] + self._aside(points)

  def unsettle(self, points: Float[np.ndarray, '*any 2']) -> Float[np.ndarray, '*any 2']:
    """Where `settle` takes its points from, to a few thousandths of a head unit."""
    return 2 * points - self.settle(points)

  def _aside(self, points):
    down = np.clip((points[..., 1] - .2) / 2.5, 0, 1.4)
    return np.stack([self.skew * down, np.zeros_like(down)], -1)


def make_shape(random: np.random.Generator, feminine: bool) -> Shape:
  """Draw a face."""
  f = float(feminine)

  def about(mean, spread):
    return float(mean + spread * np.clip(random.normal(), -_LIMIT, _LIMIT))

  nose_length, upper_lip = about(.13, .060), max(about(.205, .050) + .012 * f, .10)
  lower_lip = max(about(.245, .050) + .012 * f, .12)
  # Mouth and chin hang from the nose: philtrum and chin have heights of their own.
  philtrum, chin = max(about(.63, .072), .46), max(about(.775, .095) - .05 * f, .54)
  mouth_y = _NOSE_TIP + nose_length + philtrum + _REST * upper_lip - _MOUTH
  return Shape(
    face_width=about(1.0, .035) - .02 * f, jaw_width=about(1.0, .038) - .04 * f,
    chin_width=about(1.0, .055) - .03 * f,
    chin=_MOUTH + mouth_y + _REST * lower_lip + chin - _CHIN,
    jaw_angle=about(0, .085), temple=about(0, .045), skew=about(0, .030),
    eye_x=about(0, .026), eye_y=about(0, .026), eye_width=about(.308, .014),
    eye_height=max(about(.126, .021) + .008 * f, .085), lower_lid=about(.62, .09),
    eye_tilt=about(-.028, .026), brow_y=about(.0, .055) - .02 * f, brow_gap=about(0, .028),
    brow_thickness=max(about(.108, .018) - .012 * f, .065), brow_arch=about(.05, .022) + .02 * f,
    brow_tilt=about(.01, .042), nose_length=nose_length,
    nose_width=about(1.05, .075) - .03 * f, nose_height=about(1.0, .10), nose_tip=about(0, .03),
    mouth_width=about(.565, .047), mouth_y=mouth_y, upper_lip=upper_lip, lower_lip=lower_lip,
    lip_profile=about(0, .22), cupid_bow=max(about(.032, .012), .008),
    corner_rest=about(0, .034), waves=_make_waves(random))


def _make_waves(random: np.random.Generator) -> Float[np.ndarray, 'K 5']:
  amplitude = random.normal(0, _WAVE_SD * np.sqrt(2 / _WAVES), (_WAVES, 2))
  number = 2 * np.pi / random.uniform(*_WAVELENGTHS, _WAVES)
  angle = random.uniform(0, 2 * np.pi, _WAVES)
  phase = random.uniform(0, 2 * np.pi, _WAVES)
  # Short waves are low: a face has no ripples.
  amplitude *= (number.min() / number)[:, None] ** .5
  return np.column_stack([amplitude, number * np.cos(angle), number * np.sin(angle), phase])
