"""Jitted calls of inference, each compiled as well as how often it runs is worth."""

import functools
from collections.abc import Callable

import jax

from cemnet_jax.infer import traced
from cemnet_jax.train.process import QUICK_COMPILE

_well = False


def compile_well() -> None:
  """From now on every program is compiled well: this process runs long, and each of them often."""
  global _well
  _well = True


def compiled(function: Callable, *, often: bool = False) -> Callable:
  """`function` of a module and arrays, jitted by itself for each module.

  Where another function is traced it is inlined, which then holds no weights but those it uses.
  After `traced.keep` its trace is found again by the next process, where nothing has changed.

  Args:
    often: it runs for every few frames. Otherwise, on a CPU and before `compile_well`, twice the
      time to compile it is saved for hardly more time to run it.
  """
  inlined = jax.jit(function, static_argnums=0, inline=True)

  def jit(call, **arguments):
    quick = not (often or _well) and jax.default_backend() == 'cpu'
    return jax.jit(call, compiler_options=QUICK_COMPILE if quick else None, **arguments)

  @functools.cache
  def alone():  # not before it is called: asking for the backend starts it
    return jit(function, static_argnums=0)

  @functools.cache
  def kept(net, tree, shapes):
    return jit(traced.program(function, net, jax.tree.unflatten(tree, shapes)).call)

  @functools.wraps(function)
  def call(net, *arrays):
    leaves, tree = jax.tree.flatten(arrays)
    if any(isinstance(x, jax.core.Tracer) for x in leaves):
      return inlined(net, *arrays)
    if not traced.kept():
      return alone()(net, *arrays)
    return kept(net, tree, tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves))(*arrays)

  call.programs = lambda: alone()._cache_size()
  call.forget = kept.cache_clear  # what was traced before, as a new process has
  return call
