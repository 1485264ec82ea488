"""Which device holds what: the mesh, rules from parameter paths to shardings, global arrays."""

import re
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from cemnet_jax.errors import UserError

Tree = Any
AXES = ('data', 'fsdp')  # a batch is split over both; parameters only over `fsdp`


def make_mesh(cfg, devices=None) -> Mesh:
  """A (data, fsdp) mesh; `cfg.data == -1` takes the devices that `cfg.fsdp` leaves."""
  devices = list(devices or jax.devices())
  data = len(devices) // cfg.fsdp if cfg.data == -1 else cfg.data
  need = data * cfg.fsdp
  if need < 1 or need > len(devices):
    raise UserError(f'mesh: data={cfg.data} x fsdp={cfg.fsdp} needs {max(need, cfg.fsdp)} devices, '
                    f'this run has {len(devices)}; set mesh.data and mesh.fsdp to fit')
  # Auto, because flax.linen's Conv, BatchNorm and Dropout fail under Explicit, the default.
  return jax.make_mesh((data, cfg.fsdp), AXES, axis_types=(AxisType.Auto,) * 2,
                       devices=devices[:need])


def check_batch(batch_size: int, mesh: Mesh) -> None:
  """A batch must split evenly; said before anything is compiled."""
  if batch_size % mesh.size:
    raise UserError(f'batch_size: {batch_size} does not divide over {mesh.size} devices '
                    f'({dict(mesh.shape)}); use a multiple of {mesh.size} or a smaller mesh.data')


def replicated(mesh: Mesh) -> NamedSharding:
  return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh) -> NamedSharding:
  """Splits the leading axis B over all devices."""
  return NamedSharding(mesh, PartitionSpec(AXES))


def _largest_free_axis(shape: tuple[int, ...], parts: int) -> PartitionSpec:
  axes = sorted((i for i, n in enumerate(shape) if n % parts == 0), key=lambda i: -shape[i])
  return PartitionSpec(*(None,) * axes[0], 'fsdp') if axes else PartitionSpec()


def state_sharding(mesh: Mesh, shapes: Tree, rules, min_size: int = 0) -> Tree:
  """Shardings of a state: the first rule whose pattern is found in the leaf's path decides.

  Args:
    mesh: the (data, fsdp) mesh.
    shapes: tree of ShapeDtypeStruct, as `jax.eval_shape` gives.
    rules: pairs (pattern, 'fsdp' | 'replicate'); paths look like 'params/renderer/Conv_0/kernel'.
      'fsdp' splits the largest axis that divides by the mesh's `fsdp`.
    min_size: leaves with fewer elements are replicated.
  """
  def place(path, leaf):
    name = jax.tree_util.keystr(path, simple=True, separator='/')
    rule = next((r for pattern, r in rules if re.search(pattern, name)), 'replicate')
    if rule not in ('fsdp', 'replicate'):
      raise UserError(f'sharding: unknown rule {rule!r} for {name}, use fsdp or replicate')
    small = int(np.prod(leaf.shape)) < min_size or mesh.shape['fsdp'] == 1
    spec = PartitionSpec() if rule == 'replicate' or small else _largest_free_axis(
      leaf.shape, mesh.shape['fsdp'])
    return NamedSharding(mesh, spec)
  return jax.tree_util.tree_map_with_path(place, shapes)


def to_global(tree: Tree, sharding: NamedSharding) -> Tree:
  """This process's part of the arrays (all of them in one process) -> global arrays."""
  return jax.tree.map(
    lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), tree)
