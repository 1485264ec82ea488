"""The face's own frame: a similarity from eye corners and nose bridge takes out head position.

Landmarks go in as crop coordinates and come out aligned and standardised, and back. Everything is
differentiable jnp on real pairs; a complex number a + ib is the pair (a, b).
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax import topology

# 'mean' and 'std', each (131, 2), of aligned landmarks. Empty: the nets take landmarks as they are
# in the crop, neither aligned nor standardised, as IP-LAP's do.
Statistics = Mapping[str, Array]


class Similarity(NamedTuple):
  """frame = scale_rot * (point - centre), as complex numbers; the frame's origin is the centre."""
  scale_rot: Float[Array, '*B 2']
  centre: Float[Array, '*B 2']


def _multiply(a: Array, b: Array) -> Array:
  real = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
  return jnp.stack([real, a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], -1)


def _conjugate(a: Array) -> Array:
  return a * jnp.array([1.0, -1.0], a.dtype)


def fit(stable_points: Float[Array, '*B 7 2'], template: Float[Array, '7 2'] | None = None,
        ) -> Similarity:
  """Least-squares similarity from the 7 STABLE points (..., 7, 2) onto the template's shape.

  Minimises sum |s (p - centre) - (q - mean q)|^2 over the complex s; the optimal centre is mean p.
  """
  target = jnp.asarray(topology.STABLE_TEMPLATE if template is None else template, jnp.float32)
  target = target - target.mean(0)
  centre = stable_points.mean(-2)
  points = stable_points - centre[..., None, :]
  spread = jnp.square(points).sum((-2, -1))
  top = _multiply(_conjugate(points), target).sum(-2)
  return Similarity(top / jnp.maximum(spread, 1e-12)[..., None], centre)


def to_frame(points: Float[Array, '*B L 2'], sim: Similarity) -> Float[Array, '*B L 2']:
  """Crop coordinates (..., L, 2) -> the face's frame; one similarity per leading index."""
  return _multiply(sim.scale_rot[..., None, :], points - sim.centre[..., None, :])


def from_frame(points: Float[Array, '*B L 2'], sim: Similarity) -> Float[Array, '*B L 2']:
  """The face's frame (..., L, 2) -> crop coordinates: the inverse of `to_frame`."""
  size = jnp.square(sim.scale_rot).sum(-1, keepdims=True)
  inverse = _conjugate(sim.scale_rot) / jnp.maximum(size, 1e-12)
  return _multiply(inverse[..., None, :], points) + sim.centre[..., None, :]


def standardise(points: Float[Array, '*B L 2'], mean: Float[Array, 'L 2'],
                std: Float[Array, 'L 2']) -> Float[Array, '*B L 2']:
  """(points - mean) / std for every landmark and coordinate."""
  return (points - mean) / std


def unstandardise(points: Float[Array, '*B L 2'], mean: Float[Array, 'L 2'],
                  std: Float[Array, 'L 2']) -> Float[Array, '*B L 2']:
  """points * std + mean: the inverse of `standardise`."""
  return points * std + mean


def normalise_references(ref: Float[Array, '*B N 131 2'], stats: Statistics,
                         template: Float[Array, '7 2'] | None = None,
                         ) -> Float[Array, '*B N 131 2']:
  """References in crop coordinates -> each aligned by its own similarity, standardised."""
  if not stats:
    return ref
  aligned = to_frame(ref, fit(ref[..., topology.STABLE, :], template))
  return standardise(aligned, stats['mean'], stats['std'])


def normalise_inputs(pose: Float[Array, '*B T 74 2'], ref: Float[Array, '*B N 131 2'] | None,
                     content: Float[Array, '*B T 57 2'] | None, stats: Statistics,
                     template: Float[Array, '7 2'] | None = None,
                     ) -> tuple[Array, Array | None, Array | None, Similarity]:
  """Crop coordinates -> aligned, standardised (pose, ref, content) and the pose's frames.

  Pose and content (..., T, L, 2) share one similarity per frame, fitted to pose points only;
  each reference (..., N, 131, 2) is aligned by its own. What is None stays None. Keep the returned
  Similarity (..., T) for `denormalise_mouth`. Without `stats` nothing is changed.
  """
  if not stats:
    still = jnp.zeros((*pose.shape[:-2], 2), pose.dtype)
    return pose, ref, content, Similarity(still.at[..., 0].set(1.0), still)
  sim = fit(pose[..., topology.STABLE_IN_POSE, :], template)

  def own(points, similarity, index):
    return standardise(to_frame(points, similarity), stats['mean'][index], stats['std'][index])

  if ref is not None:
    ref = normalise_references(ref, stats, template)
  if content is not None:
    content = own(content, sim, topology.CONTENT)
  return own(pose, sim, topology.POSE), ref, content, sim


def denormalise_mouth(mouth: Float[Array, '*B T 57 2'], sim: Similarity, stats: Statistics,
                      ) -> Float[Array, '*B T 57 2']:
  """Standardised content points (..., T, 57, 2) of the nets -> crop coordinates."""
  if not stats:
    return mouth
  content = topology.CONTENT
  return from_frame(unstandardise(mouth, stats['mean'][content], stats['std'][content]), sim)
