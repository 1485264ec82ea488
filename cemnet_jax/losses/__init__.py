"""Losses: pure functions of arrays that return scalars, averaged over unmasked examples."""

from cemnet_jax.losses.audio import cross_reconstruction, ctc, triplet
from cemnet_jax.losses.classification import arc_logits, arc_margin, cross_entropy
from cemnet_jax.losses.images import (
  box_around,
  feature_matching,
  gram,
  gram_matrix,
  halve,
  lsgan_discriminator,
  lsgan_generator,
  masked_l1,
  perceptual,
)
from cemnet_jax.losses.landmarks import a2m_loss, l1, velocity
from cemnet_jax.losses.lip_sync import lip_sync, sync_probability
from cemnet_jax.losses.memory import memory_alignment, memory_reconstruction
from cemnet_jax.losses.reduce import example_mean, masked_mean
from cemnet_jax.losses.sync import matching, pair_distances

__all__ = [
  'a2m_loss', 'arc_logits', 'arc_margin', 'box_around', 'cross_entropy', 'cross_reconstruction',
  'ctc', 'example_mean', 'feature_matching', 'gram', 'gram_matrix', 'halve', 'l1', 'lip_sync',
  'lsgan_discriminator', 'lsgan_generator', 'masked_l1', 'masked_mean', 'matching',
  'memory_alignment', 'memory_reconstruction', 'pair_distances', 'perceptual', 'sync_probability',
  'triplet', 'velocity']
