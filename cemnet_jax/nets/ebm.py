"""Emotion Bridging Memory: emotion-agnostic motion + emotion and identity cues -> emotional mouth.

Equations 8-13 with the constants of spec 6.4. All motions are in the standardised stable frame.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.batch_norm import BatchNorm
from cemnet_jax.nets.layers import LayerNorm


def _unit(x: Array) -> Array:
  return x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + 1e-8)


def address(query: Float[Array, '*B D'], slots: Float[Array, 'K D'], scale: float,
            ) -> Float[Array, '*B K']:
  """Softmax over slots of scale * cosine(query, slot): Eq. 8 and Eq. 11."""
  return jax.nn.softmax(scale * _unit(query) @ _unit(slots).T)


def slot_entropy(alpha: Float[Array, '*B K']) -> Float[Array, '']:
  """Entropy in nats of the average weight of each slot; log K when all slots are used alike."""
  usage = alpha.mean(tuple(range(alpha.ndim - 1)))
  return -jax.scipy.special.xlogy(usage, usage).sum()


class EmotionBridgingMemory(nn.Module):
  """Key and value memories of `slots` x `dim`, the lip-displacement encoder, the decoder.

  `use_memory=False` feeds the cross-emotion feature straight to the decoder (ablation w/o EBM);
  `residual=False` makes the decoder predict the mouth itself rather than a change of `motion`.
  `centred_addresses` takes off what the features of all examples share before they address slots,
  `read_norm` normalises what the decoder reads; neither is in the paper.
  """
  slots: int = 96
  dim: int = 512
  hidden: int = 256
  scale: float = 16.0
  use_memory: bool = True
  residual: bool = True
  query_includes_motion: bool = True
  centred_addresses: bool = True
  read_norm: bool = True

  @nn.compact
  def __call__(self, motion: Float[Array, 'B T M'], audio_emotion: Float[Array, 'B Da'],
               image_emotion: Float[Array, 'B Di'], identity: Float[Array, 'B Dc'],
               displacement: Float[Array, 'B T M'] | None = None, *, train: bool = False,
               ) -> dict[str, Array]:
    """motion (B,T,114), emotion and identity features (B,.), displacement (B,T,114) or None.

    Returns `mouth` (B,T,114), from the key read, and with a memory `alpha_k` (B,T,K) and
    `slot_entropy` (). With `displacement` (ground truth - motion, training only) and a memory
    also `teacher` (B,T,114), from the value read; `f_delta`, `recalled` (B,T,dim) for Eq. 10 and
    `alpha_v` (B,T,K) for Eq. 12. `train` centres addresses by the batch's own statistics.
    """
    feature = self._cross_emotion(motion, audio_emotion, image_emotion, identity)
    decode = _Decoder(self.dim, self.hidden, self.residual, self.read_norm, name='decoder')
    if not self.use_memory:
      return {'mouth': decode(feature, motion)}

    init = nn.initializers.normal(0.5)
    key = self.param('key', init, (self.slots, self.dim))
    value = self.param('value', init, (self.slots, self.dim))
    feature = self._addressing(feature, train, 'query_centre')
    alpha_k = address(feature, key, self.scale)  # Eq. 11
    out = {
      'mouth': decode(alpha_k @ value, motion),  # Eq. 13
      'alpha_k': alpha_k, 'slot_entropy': slot_entropy(alpha_k)}
    if displacement is None:
      return out
    f_delta = _mlp(displacement, (self.hidden, self.dim), 'displacement')
    f_delta = self._addressing(f_delta, train, 'displacement_centre')
    alpha_v = address(f_delta, value, self.scale)  # Eq. 8
    recalled = alpha_v @ value  # Eq. 9
    return out | {
      'teacher': decode(recalled, motion), 'f_delta': f_delta, 'recalled': recalled,
      'alpha_v': alpha_v}

  def _addressing(self, x, train, name):
    """x, by flag without what the features of all examples share: else every cosine is alike, and
    the softmax reads the same tenth of the slots for every face."""
    if not self.centred_addresses:
      return x
    return BatchNorm(use_running_average=not train, use_bias=False, use_scale=False, name=name)(x)

  def _cross_emotion(self, motion, audio_emotion, image_emotion, identity):
    """f_c (B, T, dim): target emotion, source emotion, identity and, by flag, the lip motion."""
    part = self.dim // 4
    cues = [nn.Dense(part, name=f'{name}_projection')(x) for name, x in (
      ('audio', audio_emotion), ('image', image_emotion), ('identity', identity))]
    cues = jnp.concatenate(cues, -1)[:, None]
    parts = [jnp.broadcast_to(cues, (*motion.shape[:2], cues.shape[-1]))]
    if self.query_includes_motion:
      parts.append(_mlp(motion, (self.hidden, part), 'motion'))
    x = LayerNorm(name='query_norm')(jnp.concatenate(parts, -1))
    return _mlp(x, (self.dim, self.dim), 'query')


def _mlp(x, widths, name):
  """Dense, (LayerNorm, ReLU, Dense)*: linear at the end."""
  for i, width in enumerate(widths):
    if i:
      x = nn.relu(LayerNorm(name=f'{name}_norm_{i - 1}')(x))
    x = nn.Dense(width, name=f'{name}_{i}')(x)
  return x


class _Decoder(nn.Module):
  """(read, motion) -> mouth: dim + 114 -> dim -> hidden -> 114, zero at first on the residual.

  A read is a mean of many slots and so much smaller than the motion: `read_norm` normalises it.
  """
  dim: int
  hidden: int
  residual: bool
  read_norm: bool

  @nn.compact
  def __call__(self, read: Float[Array, 'B T D'], motion: Float[Array, 'B T M'],
               ) -> Float[Array, 'B T M']:
    read = LayerNorm(name='read_norm')(read) if self.read_norm else read
    x = jnp.concatenate([read, motion], -1)
    for i, width in enumerate((self.dim, self.hidden)):
      x = nn.relu(LayerNorm(name=f'norm_{i}')(nn.Dense(width, name=f'dense_{i}')(x)))
    init = nn.initializers.zeros if self.residual else nn.linear.default_kernel_init
    x = nn.Dense(motion.shape[-1], kernel_init=init, name='out')(x)
    return motion + x if self.residual else x
