"""A linen net and its PyTorch counterpart on the same weights: outputs and gradients, side by side.

The tests and `benchmarks.parity` compare by these functions alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn

from cemnet_jax.weights.mapping import Entry, to_tensors, to_variables

# A gradient below this share of the net's largest is zero but for rounding, like that of a bias in
# front of a norm: it is measured against the largest.
ZERO = 1e-5


class Case(NamedTuple):
  """Two nets that should compute the same.

  Attributes:
    net: the linen module, without dropout.
    model: its counterpart, without dropout.
    entries: which tensor of `model` is which leaf of `net`.
    inputs: of `net`.
    forward: (model, *inputs as tensors in the layout of `net`) -> what `net` returns, as tensors
      in the layout of `net`; converts to what the ancestor eats.
    ignored: regular expression of tensors without a leaf.
    has_modes: whether `net` knows `train`.
    kinked: whether the small net's gradients through the batch's statistics only agree in float64:
      see `benchmarks.parity` about rounding.
  """
  net: Any
  model: nn.Module
  entries: list[Entry]
  inputs: tuple[np.ndarray, ...]
  forward: Callable
  ignored: str | None = None
  has_modes: bool = True
  kinked: bool = False


class Difference(NamedTuple):
  """The largest absolute difference, and the largest relative one of any array as a whole: the
  largest difference in it over the largest magnitude in it."""
  absolute: float
  relative: float


class Comparison(NamedTuple):
  """One run against another."""
  outputs: Difference
  gradients: Difference


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
  """Random weights of unit gain, norms and running statistics, so that no layer is an identity."""
  with torch.no_grad(), torch.random.fork_rng(devices=[]):
    torch.manual_seed(seed)
    for name, x in [*model.named_parameters(), *model.named_buffers()]:
      if name.endswith('running_var') or (x.ndim == 1 and name.endswith('weight')):
        x.uniform_(0.6, 1.4)
      elif x.is_floating_point():
        x.normal_(0, 0.1 if x.ndim < 2 else x[0].numel() ** -0.5)
  return model


def modes(case: Case) -> tuple[bool, ...]:
  """The values of `train` that make a difference: one where there is no BatchNorm."""
  normed = any(name.endswith('running_mean') for name, _ in case.model.named_buffers())
  return (False, True) if normed else (False,)


def shapes(case: Case) -> Any:
  """The variables of `case.net` as ShapeDtypeStructs."""
  return jax.eval_shape(lambda *x: case.net.init(jax.random.key(0), *x, **_mode(case, False)),
                        *case.inputs)


def convert(case: Case) -> dict[str, Any]:
  """The variables of `case.net` from the tensors of `case.model`, by the strict importer."""
  tensors = {name: tensor.detach().numpy() for name, tensor in case.model.state_dict().items()}
  return to_variables(case.entries, tensors, shapes(case), type(case.model).__name__, case.ignored)


class Computed(NamedTuple):
  """What a net computes: outputs, and gradients of the loss of `loss_weights` by tensor's name."""
  outputs: Any
  gradients: dict[str, np.ndarray]


def compare(ours: Computed, theirs: Computed) -> Comparison:
  """How far apart the outputs and the gradients of two runs are.

  Raises:
    AssertionError: values of other structure or shape, not finite ones, or nothing but zeros.
  """
  return Comparison(difference(ours.outputs, theirs.outputs),
                    difference(ours.gradients, theirs.gradients, ZERO))


def run(case: Case, train: bool, dtype: type = np.float32) -> tuple[Computed, Computed]:
  """The linen net and its counterpart, forward and backward on the same weights and inputs.

  Args:
    train: BatchNorm by the batch's own statistics, else by the running ones.
    dtype: what both compute in, float32 or float64.
  """
  with jax.enable_x64(dtype is np.float64):
    variables, inputs = jax.tree.map(lambda x: x.astype(dtype), (convert(case), case.inputs))
    case.model.to(torch.from_numpy(inputs[0]).dtype).train(train)
    for parameter in case.model.parameters():
      parameter.grad = None
    theirs = case.forward(case.model, *map(torch.from_numpy, inputs))
    arrays = jax.tree.map(lambda x: x.detach().numpy(), theirs)
    weights = loss_weights(arrays)
    total = sum((torch.from_numpy(w) * x).sum()
                for w, x in zip(jax.tree.leaves(weights), jax.tree.leaves(theirs), strict=True))
    total.backward()
    outputs, gradients = _run(case, variables, inputs, weights, train)
    named = to_tensors([e for e in case.entries if e.path[0] == 'params'], {'params': gradients})
  wanted = {name: parameter.grad.numpy() for name, parameter in case.model.named_parameters()
            if name in named}
  return (Computed(jax.tree.map(np.asarray, outputs), {name: named[name] for name in wanted}),
          Computed(arrays, wanted))


def loss_weights(outputs: Any) -> Any:
  """Random weights of the loss, a weighted mean of every output.

  All are positive: with random signs the gradient were a sum of many pixels that cancel, and one
  ReLU that rounding turns on would show.
  """
  rng = np.random.default_rng(7)
  return jax.tree.map(
    lambda x: np.asarray(rng.uniform(0.5, 1.5, x.shape) / x.size, np.float32), outputs)


def difference(ours: Any, theirs: Any, zero: float = 0.0) -> Difference:
  """Over all arrays of two trees of the same structure and shapes.

  Args:
    zero: arrays below this share of the largest magnitude in `theirs` are measured against that.
  """
  assert jax.tree.structure(ours) == jax.tree.structure(theirs)
  pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(
    jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)]
  assert all(a.shape == b.shape for a, b in pairs), [(a.shape, b.shape) for a, b in pairs]
  assert all(np.isfinite(x).all() for pair in pairs for x in pair)
  errors = np.array([np.abs(a - b).max() for a, b in pairs])
  sizes = np.array([np.abs(b).max() for _, b in pairs])
  assert sizes.max() > 0
  sizes = np.where(sizes > zero * sizes.max(), sizes, sizes.max())
  return Difference(float(errors.max()), float((errors / sizes).max()))


def _mode(case: Case, train: bool) -> dict[str, bool]:
  return {'train': train} if case.has_modes else {}


def _run(case: Case, variables, inputs, weights, train) -> tuple[Any, Any]:
  """Outputs of the linen net and gradients of its parameters."""
  rest = {name: tree for name, tree in variables.items() if name != 'params'}

  def loss(params, inputs):
    out, _ = case.net.apply({'params': params, **rest}, *inputs, **_mode(case, train),
                            mutable=['batch_stats'])
    return sum(jnp.vdot(w, x) for w, x in zip(
      jax.tree.leaves(weights), jax.tree.leaves(out), strict=True)), out

  (_, out), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(
    variables['params'], inputs)
  return out, gradients
