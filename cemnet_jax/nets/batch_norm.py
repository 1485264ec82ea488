"""BatchNorm with its gradient written out, which saves passes over memory on a CPU.

XLA adds up pictures on a CPU with code that hardly vectorises, and differentiates every mean into
more passes. Here sums are products with a row of ones, and the gradient takes the two sums that it
needs (Ioffe and Szegedy 2015) and one pass.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class BatchNorm(nn.Module):
  """Normalises the last axis by the batch's statistics, or by running ones; as `flax.linen`'s.

  `momentum` of the running statistics is kept at each batch. Variances are not Bessel-corrected.
  Rows that `mask` leaves out are normalised like the others, but no statistic counts them.
  """
  use_running_average: bool | None = None
  momentum: float = 0.9  # PyTorch's 0.1: a tenth of the new batch enters
  epsilon: float = 1e-5
  use_bias: bool = True
  use_scale: bool = True

  @nn.compact
  def __call__(self, x: Float[Array, '*B C'], use_running_average: bool | None = None,
               mask: Float[Array, ' N'] | None = None) -> Float[Array, '*B C']:
    """(..., C) -> (..., C); mask (N,): 1 for the rows of the first axis that count, 0 for padding,
    None where all do."""
    running = nn.merge_param(
      'use_running_average', self.use_running_average, use_running_average)
    shape = x.shape[-1:]
    mean = self.variable('batch_stats', 'mean', jnp.zeros, shape)
    var = self.variable('batch_stats', 'var', jnp.ones, shape)
    params = {name: self.param(name, start, shape) for name, start, used in (
      ('scale', nn.initializers.ones, self.use_scale),
      ('bias', nn.initializers.zeros, self.use_bias)) if used}
    dtype = jnp.result_type(x, *params.values())
    scale, bias = params.get('scale', jnp.ones(shape)), params.get('bias', jnp.zeros(shape))
    if running:
      factor = jax.lax.rsqrt(var.value + self.epsilon) * scale
      return ((x - mean.value) * factor + bias).astype(dtype)
    exact = jnp.promote_types(dtype, jnp.float32)  # sums in bfloat16 would lose too much
    weights = None if mask is None else mask.astype(exact).reshape(-1, *(1,) * (x.ndim - 1))
    y, batch_mean, batch_var = normalised(
      x.astype(exact), scale.astype(exact), bias.astype(exact), weights, self.epsilon)
    if not self.is_initializing():
      for kept, new in ((mean, batch_mean), (var, batch_var)):
        kept.value = self.momentum * kept.value + (1 - self.momentum) * new
    return y.astype(dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def normalised(x: Float[Array, '*B C'], scale: Float[Array, ' C'], bias: Float[Array, ' C'],
               weights: Float[Array, '...'] | None, epsilon: float) -> tuple[Array, Array, Array]:
  """(y, mean, variance): y = (x - mean) / sqrt(variance + epsilon) * scale + bias by channel.

  `weights` (N, 1, ..., 1) are 1 for rows of the statistics and 0 for others; None: all count. No
  gradient flows through the returned statistics, which are for the running ones, nor to `weights`.
  """
  return _forward(x, scale, bias, weights, epsilon)[0]


def _forward(x, scale, bias, weights, epsilon):
  count = _count(x, weights)
  mean = _channel_sums(_weighted(x, weights)) / count
  centred = x - mean
  var = _channel_sums(_weighted(centred * centred, weights)) / count
  rate = jax.lax.rsqrt(var + epsilon)
  return (centred * (rate * scale) + bias, mean, var), (x, mean, rate, scale, weights)


def _backward(epsilon, kept, gradients):
  x, mean, rate, scale, weights = kept
  g, count = gradients[0], _count(x, weights)
  for_bias = _channel_sums(g)
  centred = x - mean
  for_scale = _channel_sums(g * centred) * rate
  through_mean = _weighted(for_bias / count, weights)
  through_var = _weighted(centred * (rate * for_scale / count), weights)
  for_x = (g - through_mean - through_var) * (rate * scale)
  return for_x, for_scale, for_bias, jax.tree.map(jnp.zeros_like, weights)


normalised.defvjp(_forward, _backward)


def _count(x, weights):
  """Values of a channel that count; 1 where none does, so that nothing is divided by zero."""
  values = x.size // x.shape[-1]
  return values if weights is None else jnp.maximum(weights.sum() * (values // len(x)), 1.0)


def _weighted(x, weights):
  return x if weights is None else x * weights


def _channel_sums(x: Float[Array, '*B C']) -> Float[Array, ' C']:
  """Sums over all axes but the last."""
  def product(x):  # over the batch alone: a product over all pixels would add up their rounding
    over_batch = jnp.ones(len(x), x.dtype) @ x.reshape(len(x), -1)
    return over_batch.reshape(-1, x.shape[-1]).sum(0)

  def reduction(x):
    return x.sum(tuple(range(x.ndim - 1)))

  return jax.lax.platform_dependent(x, cpu=product, default=reduction)
