import numpy as np
import pytest

from cemnet_jax.evaluate import scorer_accuracy, scorers
from cemnet_jax.metrics.lse import sync_scores
from cemnet_jax.preprocess.crop import decode_jpeg
from tests.evaluate.tiny_scorers import save_scorers
from tests.evaluate.world import World


@pytest.fixture(scope='module')
def world():
  return World()


@pytest.fixture(scope='module')
def loaded(tmp_path_factory):
  return scorers.load_scorers(save_scorers(tmp_path_factory.mktemp('scorers')))


def frames_of(clip):
  return np.stack([decode_jpeg(f) for f in clip['frames']])


def test_shapes_and_independence_of_the_batch(world, loaded):
  frames = np.concatenate([frames_of(world[0]), frames_of(world[1])])  # more than one batch
  assert len(frames) > scorers.BATCH
  seen = scorers.see(loaded, frames)
  count = len(frames)
  assert seen.emotion.shape == seen.emotion_lower.shape == (count, 8)
  np.testing.assert_allclose(seen.emotion.sum(-1), 1, atol=1e-5)
  assert seen.landmarks.shape == (count, 131, 2) and len(seen.identity) == count
  assert len(seen.lips) == count - scorers.SYNC_FRAMES
  some = scorers.see(loaded, frames[40:])
  np.testing.assert_allclose(some.lips, seen.lips[40:], atol=1e-4)
  np.testing.assert_allclose(some.landmarks, seen.landmarks[40:], atol=1e-5)


def test_the_lower_reading_does_not_see_the_upper_half(world, loaded):
  frames = frames_of(world[0])
  other = frames.copy()
  other[:, :frames.shape[1] // 2] = 255 - other[:, :frames.shape[1] // 2]
  a, b = (scorers.see(loaded, x) for x in (frames, other))
  np.testing.assert_allclose(a.emotion_lower, b.emotion_lower, atol=1e-6)
  assert np.abs(a.emotion - b.emotion).max() > 1e-5


def test_a_missing_scorer_is_none(tmp_path, world):
  some = scorers.load_scorers(save_scorers(tmp_path, ['identity_scorer']))
  assert [s is not None for s in some] == [False, False, True, False]
  seen = scorers.see(some, frames_of(world[0])[:6])
  assert [x is None for x in seen] == [True, True, True, False, True, True]
  assert scorers.hear(some, world[0]['audio']) is None


def test_audio_blocks_go_with_lip_blocks(world, loaded):
  clip = world[0]
  heard, seen = scorers.hear(loaded, clip['audio']), scorers.see(loaded, frames_of(clip))
  assert heard.shape == seen.lips.shape
  assert np.isfinite(sync_scores(seen.lips, heard)).all()


def test_accuracy_of_scorers_that_know_everything(world):
  """Seen and heard made by hand: embeddings equal what they stand for."""
  rng = np.random.default_rng(0)
  reals = []
  for i in world.ranges['test']:
    clip = world[i]
    count = len(clip['frames'])
    block = rng.normal(size=(count - 5, 8))
    sure = np.eye(8)[[clip['emotion']] * count]
    who = np.eye(8)[[int(clip['speaker'])] * count]
    seen = scorers.Seen(sure, sure, None, who, clip['landmarks'].astype(np.float32), block)
    reals.append(scorer_accuracy.Real(clip, seen, block + 1e-3))
  sync = scorer_accuracy._sync(reals)
  assert sync['within_one_frame'] == 1 and sync['auc'] == 1 and sync['lse_d'] < .1
  emotion = scorer_accuracy._emotion(reals)
  assert emotion['frame_accuracy'] == emotion['clip_accuracy_lower'] == 1
  assert np.trace(emotion['confusion_lower']) == len(reals)
  assert scorer_accuracy._identity(reals) == {'auc': 1.}
  assert scorer_accuracy._landmarks(reals)['m_lmd'] == 0
  late = [real._replace(heard=np.roll(real.heard, 4, axis=0)) for real in reals]
  assert scorer_accuracy._sync(late)['within_one_frame'] == 0
  assert scorer_accuracy._sync(late)['auc'] < .7


def test_accuracy_runs_on_real_nets(world, loaded):
  found = scorer_accuracy.scorer_accuracy(world, loaded, limit=4)
  assert set(found) == {'syncnet', 'emotion_scorer', 'identity_scorer', 'landmark_scorer'}
  assert all(f['clips'] == 4 and f['split'] == 'test' for f in found.values())
  assert 0 <= found['emotion_scorer']['frame_accuracy_lower'] <= 1
  assert scorer_accuracy.scorer_accuracy(world, scorers.Scorers()) == {}
