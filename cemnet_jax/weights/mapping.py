"""Between PyTorch's tensors and linen's variables: a table of entries, read in either direction."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.errors import UserError

Tree = Any
Path = tuple[str, ...]
COUNTER = '.num_batches_tracked'  # how many batches BatchNorm saw; nothing here asks for it


class Turn(NamedTuple):
  """An invertible change of axes between PyTorch's tensor and our leaf."""
  ours: Callable[[np.ndarray], np.ndarray]
  theirs: Callable[[np.ndarray], np.ndarray]


def _first_two_last(x):
  return x.transpose(*range(2, x.ndim), 1, 0)


def _last_two_first(x):
  return x.transpose(x.ndim - 1, x.ndim - 2, *range(x.ndim - 2))


SAME = Turn(lambda x: x, lambda x: x)
# Convolutions (O, I, *k) -> (*k, I, O) and linear layers (O, I) -> (I, O).
CONV = Turn(_first_two_last, _last_two_first)
# Transposed convolutions are stored as the gradients they are: (I, O, h, w) -> (h, w, I, O).
DECONV = Turn(lambda x: x[:, :, ::-1, ::-1].transpose(2, 3, 0, 1),
              lambda x: x.transpose(2, 3, 0, 1)[:, :, ::-1, ::-1])


def time_as_channels(frames: int) -> Turn:
  """(O, I, t, h, w) -> (h, w, t I, O): a 3-D kernel that spans all its `frames`."""
  def ours(x):
    return x.transpose(3, 4, 2, 1, 0).reshape(*x.shape[3:], -1, x.shape[0])
  def theirs(x):
    return x.reshape(*x.shape[:2], frames, -1, x.shape[-1]).transpose(4, 3, 2, 0, 1)
  return Turn(ours, theirs)


def after_picture(channels: int, height: int, width: int) -> Turn:
  """(O, C H W) -> (H W C, O): a linear layer on a flattened picture."""
  def ours(x):
    return x.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(-1, len(x))
  def theirs(x):
    picture = x.reshape(height, width, channels, -1)
    return picture.transpose(3, 2, 0, 1).reshape(x.shape[-1], -1)
  return Turn(ours, theirs)


def after_stages(channels: int, size: int, strided: int) -> Turn:
  """`after_picture` of what so many strided convolutions leave of a square; each rounds up."""
  side = -(-size // 2**strided)
  return after_picture(channels, side, side)


def bgr(axis: int, pictures: int = 1) -> Turn:
  """`CONV` for a net that knows pictures as BGR, so that ours may know them as RGB.

  The first 3 `pictures` channels of the kernel's outputs (`axis` 0) or inputs (1) trade places.
  """
  def swap(x):
    channels = np.arange(x.shape[axis])
    channels[:3 * pictures] = channels[:3 * pictures].reshape(-1, 3)[:, ::-1].ravel()
    return x.take(channels, axis)
  return Turn(lambda x: CONV.ours(swap(x)), lambda x: swap(CONV.theirs(x)))


class Entry(NamedTuple):
  """One leaf and the tensor it comes from, or a part of one of the two.

  Attributes:
    tensor: name in the PyTorch state dict.
    path: of the leaf, from its collection on: ('params', 'mel', 'block_0', 'conv', 'kernel').
    turn: of the axes.
    rows: (i, n): the leaf is the i-th of n equal parts of the tensor, along its first axis.
    columns: (i, n): the tensor is the i-th of n equal parts of the leaf, along its last axis.
  """
  tensor: str
  path: Path
  turn: Turn = SAME
  rows: tuple[int, int] = (0, 1)
  columns: tuple[int, int] = (0, 1)


def convolution(tensor: str, path: Path, bias: bool = True, turn: Turn = CONV) -> list[Entry]:
  """Kernel and bias of the layer `tensor` for the linen layer at `path` (without collection)."""
  entries = [Entry(f'{tensor}.weight', ('params', *path, 'kernel'), turn)]
  return entries + [Entry(f'{tensor}.bias', ('params', *path, 'bias'))] * bias


dense = convolution  # a linear layer's axes turn like a convolution's


def norm(tensor: str, path: Path, statistics: bool = True) -> list[Entry]:
  """Scale and bias of a LayerNorm or, with its `statistics`, of a BatchNorm."""
  entries = [Entry(f'{tensor}.weight', ('params', *path, 'scale')),
             Entry(f'{tensor}.bias', ('params', *path, 'bias'))]
  if statistics:
    entries += [Entry(f'{tensor}.running_mean', ('batch_stats', *path, 'mean')),
                Entry(f'{tensor}.running_var', ('batch_stats', *path, 'var'))]
  return entries


def conv_block(conv: str, batch_norm: str, path: Path, bias: bool = True,
               turn: Turn = CONV) -> list[Entry]:
  """Entries of a `layers.ConvBlock`."""
  return convolution(conv, (*path, 'conv'), bias, turn) + norm(batch_norm, (*path, 'norm'))


def shapes_of(net, *inputs: tuple[int, ...], **kwargs) -> Tree:
  """The variables of `net` for float inputs of these shapes as ShapeDtypeStructs."""
  specs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in inputs]
  return jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, **kwargs), *specs)


def to_variables(entries: Iterable[Entry], tensors: Mapping[str, np.ndarray], shapes: Tree,
                 where: str, ignored: str | None = None) -> dict[str, Tree]:
  """Variables of the shapes `shapes` (see `shapes_of`) from `tensors`, each used exactly once.

  Args:
    ignored: regular expression of names that are known to be in such files and not needed.
    where: the file, for messages.

  Raises:
    UserError: a tensor is missing, unknown, of another shape or not finite.
    ValueError: the entries do not fill the tree.
  """
  entries, flat = list(entries), _flatten(shapes)
  _check_cover(entries, flat)
  needed = {entry.tensor for entry in entries}
  for name in sorted(set(tensors) - needed):
    if not name.endswith(COUNTER) and not (ignored and re.fullmatch(ignored, name)):
      raise UserError(f'{where}: unexpected tensor {name}; these are weights of another network')
  leaves: dict[Path, list] = {}
  for entry in sorted(entries, key=lambda e: (e.path, e.columns)):
    leaf = flat[entry.path]
    tensor = _checked(entry, tensors, leaf.shape, where)
    step = len(tensor) // entry.rows[1] if tensor.ndim else 0
    part = tensor[entry.rows[0] * step:][:step] if entry.rows[1] > 1 else tensor
    leaves.setdefault(entry.path, []).append(entry.turn.ours(part).astype(leaf.dtype))
  return _nest({path: np.concatenate(parts, -1) if len(parts) > 1 else np.ascontiguousarray(
    parts[0]) for path, parts in leaves.items()})


def to_tensors(entries: Iterable[Entry], variables: Tree) -> dict[str, np.ndarray]:
  """The inverse of `to_variables`: PyTorch's tensors by name, without counters of batches."""
  flat = _flatten(variables)
  parts: dict[str, list] = {}
  for entry in sorted(entries, key=lambda e: (e.tensor, e.rows)):
    leaf = np.asarray(flat[entry.path])
    i, n = entry.columns
    part = np.split(leaf, n, axis=-1)[i] if n > 1 else leaf
    parts.setdefault(entry.tensor, []).append(np.ascontiguousarray(entry.turn.theirs(part)))
  return {name: np.concatenate(some) if len(some) > 1 else some[0] for name, some in parts.items()}


def _checked(entry: Entry, tensors, leaf_shape, where) -> np.ndarray:
  if entry.tensor not in tensors:
    raise UserError(f'{where}: tensor {entry.tensor} is missing; these are weights of another '
                    'network, or not all of them')
  tensor = np.asarray(tensors[entry.tensor])
  if tensor.shape != (wanted := _tensor_shape(entry, leaf_shape)):
    raise UserError(f'{where}: tensor {entry.tensor} has shape {tensor.shape}, {wanted} is needed')
  if tensor.dtype.kind not in 'fiu' or not np.isfinite(tensor).all():
    raise UserError(f'{where}: tensor {entry.tensor} holds values that are not finite numbers; '
                    'download it again')
  return tensor


def _tensor_shape(entry: Entry, leaf_shape) -> tuple[int, ...]:
  """Shape of the whole tensor of which `entry` makes a leaf or a part of one."""
  shape = (*leaf_shape[:-1], leaf_shape[-1] // entry.columns[1]) if leaf_shape else ()
  shape = entry.turn.theirs(np.broadcast_to(np.float32(0), shape)).shape
  return (shape[0] * entry.rows[1], *shape[1:]) if shape else ()


def _check_cover(entries: list[Entry], flat) -> None:
  """Every leaf and every tensor is used whole and once."""
  for parts in ([(e.path, *e.columns) for e in entries], [(e.tensor, *e.rows) for e in entries]):
    wanted = {(name, i, n) for name, _, n in parts for i in range(n)}
    if len(parts) != len(set(parts)) or set(parts) != wanted:
      raise ValueError(f'used twice or in part: {sorted(wanted ^ set(parts), key=str)[:3]}')
  if (given := {e.path for e in entries}) != set(flat):
    raise ValueError(f'entries and network differ at {sorted(given ^ set(flat))[:3]}')


def _flatten(tree: Tree, prefix: Path = ()) -> dict[Path, Any]:
  items = {}
  for key, value in tree.items():
    items.update(_flatten(value, (*prefix, key)) if isinstance(value, Mapping)
                 else {(*prefix, key): value})
  return items


def _nest(flat: dict[Path, np.ndarray]) -> dict[str, Tree]:
  tree: dict = {}
  for path, leaf in flat.items():
    node = tree
    for key in path[:-1]:
      node = node.setdefault(key, {})
    node[path[-1]] = leaf
  return tree
