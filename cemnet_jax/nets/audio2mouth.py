"""Audio2Mouth: mel windows, pose and reference landmarks -> mouth landmarks (spec 2, IP-LAP)."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cemnet_jax.nets.layers import LayerNorm, MelEncoder, TableEncoder, sinusoid

LIPS, JAW = 40, 17  # points; the content of a face is the jaw, then the lips
POSE_ROW, AUDIO_ROW, REF_ROW = 1, 2, 3  # of the modality table; row 0 is padding and unused

xavier = nn.initializers.xavier_normal()
# PyTorch draws q, k, v as one (3D, D) Xavier-uniform matrix: half the variance of three.
qkv_init = nn.initializers.variance_scaling(0.5, 'fan_avg', 'uniform')


def _stages(*stages: tuple[int, int, int]) -> list[tuple]:
  """Rows (channels, 3, stride, 1, residual): one entering block and `count` residual ones."""
  return [(channels, 3, stride if i == 0 else 1, 1, i > 0)
          for channels, stride, count in stages for i in range(count + 1)]


# Appendix A.1: channels, kernel, stride, padding, residual.
REF_TABLE = tuple(
  [(4, 3, 1, 1, False)]
  + _stages((8, 2, 2), (16, 2, 2), (32, 2, 2), (64, 2, 2), (128, 2, 2), (256, 2, 1))
  + [(512, 3, 1, 0, False), (512, 1, 1, 0, False)])
POSE_TABLE = tuple(
  [(4, 3, 1, 1, False)]
  + _stages((8, 1, 2), (16, 2, 2), (32, 2, 2), (64, 2, 2), (128, 2, 2), (256, 2, 2))
  + [(512, 3, 1, 0, False), (512, 1, 1, 0, True)])


class PostNormLayer(nn.Module):
  """One post-norm transformer encoder layer with ReLU, as PyTorch's TransformerEncoderLayer."""
  heads: int
  ffn: int
  dropout: float

  @nn.compact
  def __call__(self, x: Float[Array, 'B S D'], *, train: bool) -> Float[Array, 'B S D']:
    """(B, S, D) -> (B, S, D); attention over S."""
    drop = nn.Dropout(self.dropout, deterministic=not train)
    y = nn.MultiHeadDotProductAttention(
      self.heads, dropout_rate=self.dropout, broadcast_dropout=False, deterministic=not train,
      kernel_init=qkv_init, out_kernel_init=xavier, name='attention')(x)
    x = LayerNorm(name='norm_1')(x + drop(y))
    y = nn.relu(nn.Dense(self.ffn, kernel_init=xavier, name='linear_1')(x))
    y = nn.Dense(x.shape[-1], kernel_init=xavier, name='linear_2')(drop(y))
    return LayerNorm(name='norm_2')(x + drop(y))


def _modality_init(key, shape, dtype=jnp.float32):
  return nn.initializers.normal(1.0)(key, shape, dtype).at[0].set(0.0)


class Audio2Mouth(nn.Module):
  """Tokens [N references | T audio | T pose] through a transformer to T mouths.

  `head='iplap'`: lips from the audio tokens, jaw from the pose tokens; `head='paper'`: one linear
  layer on the last T tokens, literally Eq. 2. References carry no position, so N is free and their
  order does not matter. `width` scales the encoders' inner channels, `dim` the tokens.
  """
  width: float = 1.0
  dim: int = 512
  heads: int = 4
  layers: int = 4
  ffn: int = 1024
  dropout: float = 0.1
  head: str = 'iplap'

  def setup(self):
    encoder = lambda table: TableEncoder(table, 1, self.dim, self.width)
    self.norm = LayerNorm()
    self.mel_encoder = MelEncoder(self.dim, self.width)
    self.pose_encoder, self.ref_encoder = encoder(POSE_TABLE), encoder(REF_TABLE)
    self.modality = self.param('modality', _modality_init, (4, self.dim))
    self.drop = nn.Dropout(self.dropout)
    self.layer = [PostNormLayer(self.heads, self.ffn, self.dropout) for _ in range(self.layers)]
    if self.head == 'paper':
      self.mouth = nn.Dense(2 * (JAW + LIPS), kernel_init=xavier)
    else:
      self.lips = nn.Dense(2 * LIPS, kernel_init=xavier)
      self.jaw = nn.Dense(2 * JAW, kernel_init=xavier)

  def __call__(self, mel: Float[Array, 'B T 80 16'], pose: Float[Array, 'B T 74 2'],
               ref: Float[Array, 'B N 131 2'], *, train: bool) -> Float[Array, 'B T 57 2']:
    """mel (B,T,80,16), pose (B,T,74,2), ref (B,N,131,2) -> content points (B,T,57,2)."""
    audio, pose = self.encode_frames(mel, pose, train=train)
    return self.fuse(self.encode_references(ref, train=train), audio, pose, train=train)

  def encode_frames(self, mel: Float[Array, 'B T 80 16'], pose: Float[Array, 'B T 74 2'], *,
                    train: bool = False) -> tuple[Float[Array, 'B T D'], Float[Array, 'B T D']]:
    """Audio and pose tokens; a frame's are the same in every window that holds it."""
    return (self._tokens(self.mel_encoder, mel, train),
            self._tokens(self.pose_encoder, pose, train))

  def encode_references(self, ref: Float[Array, 'B N 131 2'], *,
                        train: bool = False) -> Float[Array, 'B N D']:
    """Reference tokens, the same for a whole video."""
    return self._tokens(self.ref_encoder, ref, train)

  def _tokens(self, encoder, x, train):  # B S ... -> (B S) ... -> B S D
    tokens = encoder(x.reshape(-1, *x.shape[2:]), train=train)
    return self.norm(tokens).reshape(*x.shape[:2], self.dim)

  def fuse(self, ref: Float[Array, 'B N D'], audio: Float[Array, 'B T D'],
           pose: Float[Array, 'B T D'], *, train: bool = False) -> Float[Array, 'B T 57 2']:
    """Tokens of one window each -> content points (B,T,57,2)."""
    (b, n), t = ref.shape[:2], audio.shape[1]
    position = sinusoid(t, self.dim)
    x = jnp.concatenate([
      ref + self.modality[REF_ROW], audio + position + self.modality[AUDIO_ROW],
      pose + position + self.modality[POSE_ROW]], axis=1)
    x = self.drop(x, deterministic=not train)
    for layer in self.layer:
      x = layer(x, train=train)
    if self.head == 'paper':
      return self.mouth(x[:, n + t:]).reshape(b, t, JAW + LIPS, 2)
    lips, jaw = self.lips(x[:, n:n + t]), self.jaw(x[:, n + t:])
    return jnp.concatenate([jaw, lips], -1).reshape(b, t, JAW + LIPS, 2)
