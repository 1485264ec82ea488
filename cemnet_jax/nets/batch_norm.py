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
  """
  use_running_average: bool | None = None
  momentum: float = 0.9  # PyTorch's 0.1: a tenth of the new batch enters
  epsilon: float = 1e-5
  use_bias: bool = True
  use_scale: bool = True

  @nn.compact
  def __call__(self, x: Float[Array, '*B C'], use_running_average: bool | None = None,
               ) -> Float[Array, '*B C']:
    """(..., C) -> (..., C)."""
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
    y, batch_mean, batch_var = normalised(
      x.astype(exact), scale.astype(exact), bias.astype(exact), self.epsilon)
    if not self.is_initializing():
      for kept, new in ((mean, batch_mean), (var, batch_var)):
        kept.value = self.momentum * kept.value + (1 - self.momentum) * new
    return y.astype(dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def normalised(x: Float[Array, '*B C'], scale: Float[Array, 'C'], bias: Float[Array, 'C'],
               epsilon: float) -> tuple[Array, Array, Array]:
  """(y, mean, variance): y = (x - mean) / sqrt(variance + epsilon) * scale + bias by channel.

  No gradient flows through the returned statistics: they are for the running ones.
  """
  return _forward(x, scale, bias, epsilon)[0]


def _forward(x, scale, bias, epsilon):
  count = x.size // x.shape[-1]
  mean = _channel_sums(x) / count
  centred = x - mean
  var = _channel_sums(centred * centred) / count
  rate = jax.lax.rsqrt(var + epsilon)
  return (centred * (rate * scale) + bias, mean, var), (x, mean, rate, scale)


def _backward(epsilon, kept, gradients):
  x, mean, rate, scale = kept
  g, count = gradients[0], x.size // x.shape[-1]
  for_bias = _channel_sums(g)
  centred = x - mean
  for_scale = _channel_sums(g * centred) * rate
  for_x = (g - for_bias / count - centred * (rate * for_scale / count)) * (rate * scale)
  return for_x, for_scale, for_bias


normalised.defvjp(_forward, _backward)


def _channel_sums(x: Float[Array, '*B C']) -> Float[Array, 'C']:
  """Sums over all axes but the last."""
  def product(x):  # over the batch alone: a product over all pixels would add up their rounding
    over_batch = jnp.ones(len(x), x.dtype) @ x.reshape(len(x), -1)
    return over_batch.reshape(-1, x.shape[-1]).sum(0)

  def reduction(x):
    return x.sum(tuple(range(x.ndim - 1)))

  return jax.lax.platform_dependent(x, cpu=product, default=reduction)
