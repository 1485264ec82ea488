"""What every stage is made of: sums over examples, and what a step may change."""

import chex
import jax.numpy as jnp
import numpy as np
import optax

from cemnet_jax.stages.supervised import masked_sum
from cemnet_jax.train import loop
from cemnet_jax.train import state as states

NET = {'w': jnp.ones((3, 2)), 'b': jnp.zeros(2)}
TX = {'net': optax.sgd(0.5)}


class SupervisedTest(chex.TestCase):

  @chex.variants(with_jit=True, without_jit=True)
  def test_masked_examples_are_not_counted(self):
    values = jnp.array([1.0, jnp.nan, 4.0, 7.0])
    average = self.variant(masked_sum)(values, jnp.array([1.0, 0.0, 1.0, 1.0]))
    chex.assert_trees_all_close((average.total, average.count), (12.0, 3))
    assert float(average.compute()) == 4.0

  @chex.variants(with_jit=True, without_jit=True)
  def test_values_that_would_be_broadcast_are_refused(self):
    with self.assertRaisesRegex(AssertionError, 'shape'):
      self.variant(masked_sum)(jnp.ones((4, 1)), jnp.ones(4))

  @chex.variants(with_jit=True, without_jit=True)
  def test_a_step_keeps_shapes_and_types(self):
    state = states.create({'net': NET}, {'net': {'mean': jnp.zeros(2)}}, TX)
    step = self.variant(lambda state, grads, stats: states.apply_grads(state, grads, TX, stats))
    after = step(state, {'net': NET}, {'net': {'mean': jnp.ones(2)}})
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    chex.assert_trees_all_close(after.params['net'], {'w': 0.5 * NET['w'], 'b': NET['b']})
    for grads, stats in (({'net': NET | {'b': jnp.zeros(1)}}, None),
                         ({'net': {'w': NET['w']}}, None),
                         ({'net': NET}, {'net': {'mean': jnp.zeros(2, jnp.int32)}}),
                         ({'net': NET}, {'net': {'mean': jnp.zeros((1, 2))}})):
      with self.assertRaises(AssertionError):
        step(state, grads, stats)


def test_means_are_of_all_batches_added_in_double_precision():
  batches = [{'a': masked_sum(jnp.array([x, 3.0]), jnp.array([1.0, m])),
              'none': masked_sum(jnp.ones(2), jnp.zeros(2))}
             for x, m in ((2.0**24, 0.0), (1.0, 0.0), (1.0, 1.0), (-(2.0**24), 0.0))]
  assert loop._means(batches) == {'a': 1.0}
  batches = [{'a': masked_sum(jnp.array([x]), jnp.ones(1))} for x in np.float32([0.1, 0.2, 0.7])]
  assert loop._means(batches)['a'] == sum(float(np.float32(x)) for x in (0.1, 0.2, 0.7)) / 3
