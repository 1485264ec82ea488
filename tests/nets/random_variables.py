"""Random variables of a net without compiling its `init`, which takes longer than most tests."""

import jax
import numpy as np


def random_variables(net, *args, seed=0, **kwargs):
  """Normal kernels of unit gain, scales near 1, running means 0 and variances 1, by numpy."""
  shapes = jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, **kwargs), *args)
  rng = np.random.default_rng(seed)

  def draw(path, leaf):
    name = path[-1].key
    gain = np.prod(leaf.shape[:-1]) ** -0.5 if len(leaf.shape) > 1 else 0.1
    offset = {'scale': 1.0, 'var': 1.0}.get(name, 0.0)
    return (offset + gain * rng.normal(size=leaf.shape) * (name != 'var')).astype(np.float32)

  return jax.tree_util.tree_map_with_path(draw, shapes)
