"""The inference chain as pure functions of nets and variables, shared by stages and `infer`.

audio + references + pose -> emotion-agnostic mouth -> emotion bridge -> mouth in the crop.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from cemnet_jax.nets.landmark_frame import (
  Similarity,
  denormalise_mouth,
  normalise_inputs,
  normalise_references,
)

# Least mean and deviation of a mel band by which `per_utterance` sets it off: silence stays below
# what is heard in speech, and noise behind faint speech stays faint.
FAINT, NARROW = -3.0, 0.7


def per_utterance(mel: Float[Array, 'B T 80 16'], statistics: Float[Array, 'B 2 80'],
                  ) -> Float[Array, 'B T 80 16']:
  """Mel windows with each band's mean over the utterance taken off, in units of its deviation:
  loudness, microphone and room of a recording go out. `statistics` are mean and deviation."""
  mean, deviation = statistics[:, 0, None, :, None], statistics[:, 1, None, :, None]
  return (mel - jnp.maximum(mean, FAINT)) / jnp.maximum(deviation, NARROW)


def agnostic_mouth(
    net, variables, statistics, mel: Float[Array, 'B T 80 16'], pose: Float[Array, 'B T 74 2'],
    references: Float[Array, 'B N 131 2'],
) -> tuple[Float[Array, 'B T 57 2'], Similarity]:
  """Audio2Mouth in the stable frame (Eq. 1-2): standardised mouth motion and the pose's frame."""
  pose_n, ref_n, _, frame = normalise_inputs(pose, references, None, statistics)
  return net.apply(variables, mel, pose_n, ref_n, train=False), frame


def frame_tokens(
    net, variables, statistics, mel: Float[Array, 'B T 80 16'], pose: Float[Array, 'B T 74 2'],
) -> tuple[Float[Array, 'B T D'], Float[Array, 'B T D'], Similarity]:
  """Audio and pose tokens and face frames of a video: computed once per frame, not per window."""
  pose_n, _, _, frame = normalise_inputs(pose, None, None, statistics)
  audio, pose = net.apply(variables, mel, pose_n, method=net.encode_frames)
  return audio, pose, frame


def reference_tokens(
    net, variables, statistics, references: Float[Array, 'B N 131 2']) -> Float[Array, 'B N D']:
  """Audio2Mouth's reference tokens: computed once per video."""
  return net.apply(variables, normalise_references(references, statistics),
                   method=net.encode_references)


def utterance_emotion(
    net, variables, mfcc: Float[Array, 'B M 28 12'], count: Float[Array, ' B'] | None = None,
) -> Float[Array, 'B D']:
  """Emotion of a whole utterance: mean of E_e over its windows (spec 3.4).

  `count` (B,) is the number of valid leading windows when the rest is padding.
  """
  features = net.apply(variables, mfcc, train=False)
  if count is None:
    return jnp.mean(features, axis=1)
  valid = (jnp.arange(mfcc.shape[1])[None] < count[:, None]).astype(features.dtype)
  return jnp.einsum('bmd,bm->bd', features, valid) / count[:, None]


def to_float(images: UInt8[Array, '*S C']) -> Float[Array, '*S C']:
  """8-bit pictures to [0,1]."""
  return images.astype(jnp.float32) / 255.0


def reference_emotion(
    net, variables, images: UInt8[Array, 'B N H W 3']) -> Float[Array, 'B D']:
  """Source emotion: mean image-emotion feature over the N references."""
  return shown_emotion(net, variables, images)[0]


def shown_emotion(
    net, variables, images: UInt8[Array, 'B N H W 3'],
) -> tuple[Float[Array, 'B D'], Float[Array, 'B E']]:
  """`reference_emotion`, and how likely each emotion is: both are means over the N references."""
  flat = to_float(images.reshape((-1,) + images.shape[2:]))
  features, logits = net.apply(variables, flat, train=False)
  mean = lambda x: x.reshape(images.shape[:2] + (-1,)).mean(axis=1)
  return mean(features), mean(nn.softmax(logits))


def reference_identity(
    net, variables, images: UInt8[Array, 'B N H W 3']) -> Float[Array, 'B D']:
  """Identity: mean ArcFace embedding over the N references, normalised again (spec 5)."""
  flat = to_float(images.reshape((-1,) + images.shape[2:]))
  embedding = net.apply(variables, flat, train=False)
  mean = embedding.reshape(images.shape[:2] + (-1,)).mean(axis=1)
  return mean / jnp.linalg.norm(mean, axis=-1, keepdims=True).clip(1e-6)


def bridge(
    net, variables, motion: Float[Array, 'B T 57 2'], audio_emotion: Float[Array, 'B D'],
    image_emotion: Float[Array, 'B F'], identity: Float[Array, 'B G'],
) -> Float[Array, 'B T 57 2']:
  """Emotion Bridging Memory, key path (Eq. 13): refined standardised mouth motion."""
  out = _read(net, variables, motion, audio_emotion, image_emotion, identity)
  return out['mouth'].reshape(motion.shape)


def slot_weights(
    net, variables, motion: Float[Array, 'B T 57 2'], audio_emotion: Float[Array, 'B D'],
    image_emotion: Float[Array, 'B F'], identity: Float[Array, 'B G'],
) -> Float[Array, 'B T K']:
  """How much of each slot the memory reads (Eq. 11); rows sum to 1."""
  return _read(net, variables, motion, audio_emotion, image_emotion, identity)['alpha_k']


def _read(net, variables, motion, *cues):
  flat = motion.reshape(motion.shape[:2] + (-1,))  # B T 57 2 -> B T 114
  return net.apply(variables, flat, *cues, None, train=False)


def mouth_in_crop(
    motion: Float[Array, 'B T 57 2'], frame: Similarity, statistics) -> Float[Array, 'B T 57 2']:
  """Standardised mouth motion back to crop coordinates, by the pose's own frame."""
  return denormalise_mouth(motion, frame, statistics)
