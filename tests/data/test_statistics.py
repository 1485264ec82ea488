"""The statistics of landmarks in the face's own frame."""

import numpy as np
import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.data.statistics import STD_FLOOR, landmark_statistics
from cemnet_jax.preprocess.stable_frame import align
from cemnet_jax.topology import LIPS, STABLE, STABLE_TEMPLATE

MEAD = 'synth_mead/mead_debug'


@pytest.fixture(scope='module')
def landmarks(debug_data):
  clips = Clips(debug_data, MEAD)
  return np.concatenate([clips[i]['landmarks'].astype(np.float64) for i in clips.ranges['train']])


def test_stable_points_land_on_the_template(landmarks):
  template = STABLE_TEMPLATE - STABLE_TEMPLATE.mean(0)
  gap = np.abs(align(landmarks)[:, STABLE].mean(0) - template)
  assert gap.max() < 0.03
  assert np.linalg.norm(align(landmarks)[:, STABLE] - template, axis=-1).mean() < 0.04


def test_statistics_by_definition(debug_data, landmarks):
  found = landmark_statistics(debug_data, MEAD)
  aligned = align(landmarks)
  std = aligned.std(0)
  np.testing.assert_allclose(found['mean'], aligned.mean(0), atol=1e-6)
  np.testing.assert_allclose(found['std'], std + STD_FLOOR * std.mean(), atol=1e-6)
  assert found['mean'].dtype == found['std'].dtype == np.float32
  assert found['std'][LIPS].mean() > 1.3 * found['std'][STABLE].mean()


def test_a_sample_of_the_clips(debug_data):
  some = landmark_statistics(debug_data, MEAD, max_clips=7)
  everything = landmark_statistics(debug_data, MEAD)
  assert not np.array_equal(some['mean'], everything['mean'])
  np.testing.assert_allclose(some['mean'], everything['mean'], atol=0.05)
