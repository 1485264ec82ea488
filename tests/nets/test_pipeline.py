"""The inference chain: tokens made once per frame give what whole windows give."""

import jax
import numpy as np
import pytest

from cemnet_jax import topology
from cemnet_jax.nets import pipeline
from cemnet_jax.nets.audio2mouth import Audio2Mouth

FRAMES, WINDOW, REFERENCES = 9, 5, 3


@pytest.fixture(scope='module')
def speech():
  rng = np.random.default_rng(0)
  face = rng.uniform(0.2, 0.8, (topology.NUM_LANDMARKS, 2))
  points = (face + rng.normal(0, 0.02, (FRAMES, 131, 2))).astype(np.float32)
  references = (face + rng.normal(0, 0.02, (1, REFERENCES, 131, 2))).astype(np.float32)
  mel = rng.normal(size=(FRAMES, 80, 16)).astype(np.float32)
  return mel, points[:, topology.POSE], references


@pytest.fixture(scope='module')
def net():
  return Audio2Mouth(width=0.03, dim=16, heads=2, layers=1, ffn=16)


def test_tokens_per_frame_equal_windows(speech, net):
  mel, pose, references = speech
  rng = np.random.default_rng(1)
  statistics = {'mean': rng.normal(0, 0.1, (131, 2)).astype(np.float32),
                'std': rng.uniform(0.1, 0.2, (131, 2)).astype(np.float32)}
  windows = np.arange(FRAMES - WINDOW + 1)[:, None] + np.arange(WINDOW)
  many = np.repeat(references, len(windows), axis=0)
  variables = jax.jit(lambda k: net.init(k, mel[windows], pose[windows], many, train=False))(
    jax.random.key(0))

  whole, frame = jax.jit(lambda: pipeline.agnostic_mouth(
    net, variables, statistics, mel[windows], pose[windows], many))()
  audio, pose_tokens, frames = jax.jit(lambda: pipeline.frame_tokens(
    net, variables, statistics, mel[None], pose[None]))()
  known = jax.jit(lambda: pipeline.reference_tokens(net, variables, statistics, references))()
  fused = jax.jit(lambda: net.apply(
    variables, np.repeat(known, len(windows), axis=0), audio[0][windows], pose_tokens[0][windows],
    method=net.fuse))()

  np.testing.assert_allclose(fused, whole, atol=2e-5)
  np.testing.assert_allclose(frames.centre[0][windows], frame.centre, atol=1e-6)
  assert np.std(whole) > 1e-3


def test_utterance_emotion_ignores_padding():
  class Double:
    def apply(self, variables, mfcc, train):
      return 2 * mfcc[:, :, 0, :3]

  rng = np.random.default_rng(0)
  mfcc = rng.normal(size=(2, 6, 28, 12)).astype(np.float32)
  count = np.float32([4, 6])
  mean = pipeline.utterance_emotion(Double(), None, mfcc, count)
  expected = [2 * mfcc[0, :4, 0, :3].mean(0), 2 * mfcc[1, :, 0, :3].mean(0)]
  np.testing.assert_allclose(mean, expected, atol=1e-6)
  np.testing.assert_allclose(pipeline.utterance_emotion(Double(), None, mfcc)[1], expected[1],
                             atol=1e-6)


def test_per_utterance_takes_level_and_colour_out():
  rng = np.random.default_rng(0)
  mel = rng.normal(rng.uniform(-1.5, 1, (80, 1)), 1.5, (2, 3, 80, 16)).astype(np.float32)
  of = lambda x: np.stack([x.mean((1, 3)), x.std((1, 3))], 1)
  heard = np.asarray(pipeline.per_utterance(mel, of(mel)))
  np.testing.assert_allclose(of(heard), np.stack([np.zeros((2, 80)), np.ones((2, 80))], 1),
                             atol=1e-5)
  louder = mel + rng.uniform(-0.8, 0.8, (1, 1, 80, 1)).astype(np.float32)
  np.testing.assert_allclose(pipeline.per_utterance(louder, of(louder)), heard, atol=1e-5)


def test_silence_and_what_is_hardly_heard_stay_faint():
  silence = np.full((1, 3, 80, 16), -4, np.float32)
  statistics = lambda mean, deviation: np.tile(np.float32([mean, deviation])[:, None], (1, 1, 80))
  alone = pipeline.per_utterance(silence, statistics(-4, 0))
  between_words = pipeline.per_utterance(silence, statistics(-2, 1.4))
  np.testing.assert_allclose(alone, -1 / 0.7, rtol=1e-6)
  assert np.abs(alone - between_words).max() < 0.05
