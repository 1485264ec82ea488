"""Jitted calls of inference, each compiled as well as how often it runs is worth."""

import functools
from collections.abc import Callable

import jax

from cemnet_jax.train.process import QUICK_COMPILE


def compiled(function: Callable, *, often: bool = False) -> Callable:
  """`function` of a module and arrays, jitted by itself for each module.

  Where another function is traced it is inlined, which then holds no weights but those it uses.

  Args:
    often: it runs for every few frames. Otherwise, on a CPU, twice the time to compile it is saved
      for hardly more time to run it.
  """
  inlined = jax.jit(function, static_argnums=0, inline=True)

  @functools.cache
  def alone():  # not before it is called: asking for the backend starts it
    quick = not often and jax.default_backend() == 'cpu'
    return jax.jit(function, static_argnums=0, compiler_options=QUICK_COMPILE if quick else None)

  @functools.wraps(function)
  def call(net, *arrays):
    traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(arrays))
    return (inlined if traced else alone())(net, *arrays)

  call.programs = lambda: alone()._cache_size()
  return call
