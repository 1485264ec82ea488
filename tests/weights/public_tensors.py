"""What a public file would hold, without its values: every tensor zero."""

import jax
import numpy as np

from cemnet_jax.weights.mapping import shapes_of, to_tensors


def zeros(net, entries, *inputs):
  """{name: zeros} of all tensors that `entries` name, for `net` on inputs of these shapes."""
  variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype),
                           shapes_of(net, *inputs, train=False))
  return to_tensors(entries, variables)
