import numpy as np
import pytest

from cemnet_jax.metrics.lse import lse, sync_scores
from cemnet_jax.metrics.tally import EMPTY, mean, merge


def clip(seed, blocks=24, size=6):
  """Non-negative embeddings, as after the towers, of lips that follow their audio with noise."""
  rng = np.random.default_rng(seed)
  audio = rng.random((blocks, size)) * 4
  return (audio + .2 * rng.normal(size=audio.shape)).astype(np.float32), audio.astype(np.float32)


def looped(lip, audio, distance, reach=15):
  """syncnet_python's calc_pdist and evaluate, a pair of blocks at a time."""
  padding = np.zeros((reach, audio.shape[1]), np.float32)
  padded = np.concatenate([padding, audio, padding])
  means = []
  for start in range(2 * reach + 1):
    means.append(sum(distance(lip[v], padded[v + start]) for v in range(len(lip))) / len(lip))
  middle = sorted(means)[reach]
  return middle - min(means), min(means), reach - means.index(min(means))


def plain(a, b):
  return sum((float(x) - float(y) + 1e-6) ** 2 for x, y in zip(a, b)) ** .5


@pytest.mark.parametrize('reach', [3, 15])
def test_agrees_with_plain_loops(reach):
  lip, audio = clip(0)
  assert sync_scores(lip, audio, reach) == pytest.approx(looped(lip, audio, plain, reach))


def test_agrees_with_torch_pairwise_distance():
  torch = pytest.importorskip('torch')
  lip, audio = clip(1)

  def distance(a, b):
    a, b = (torch.from_numpy(x)[None] for x in (a, b))
    return float(torch.nn.functional.pairwise_distance(a, b, eps=1e-6))

  assert sync_scores(lip, audio) == pytest.approx(looped(lip, audio, distance), rel=1e-6)


def test_by_hand():
  # Shifts: audio before (0, 3), at (3, 4) and after (4, 0) the lips (3, 4).
  scores = sync_scores(np.array([[3.], [4.]]), np.array([[3.], [4.]]), reach=1)
  assert scores == pytest.approx((2 - 1e-6, 1e-6, 0), abs=1e-5)
  early = sync_scores(np.array([[4.], [7.]]), np.array([[3.], [4.]]), reach=1)
  # Distances (4, 4), (1, 3), (0, 7): means 4, 2, 3.5.
  assert early == pytest.approx((1.5, 2, 0), abs=1e-5)


@pytest.mark.parametrize('late', [-7, -1, 0, 3, 12])
def test_offset_is_positive_for_late_lips(late):
  audio = np.random.default_rng(2).random((60, 8))
  assert sync_scores(np.roll(audio, late, axis=0), audio).offset == late


def test_epsilon_is_added_before_squaring():
  lip, audio = np.ones((20, 4)), np.ones((20, 4))
  assert sync_scores(lip, audio).lse_d == pytest.approx(2e-6, rel=1e-9)  # sqrt(4) * 1e-6


def test_clips_within_the_reach_are_not_judged():
  lip, audio = clip(3, blocks=15)
  assert np.isnan(sync_scores(lip, audio)).all()
  assert set(lse(lip, audio).values()) == {EMPTY}
  assert set(lse(lip[:0], audio[:0]).values()) == {EMPTY}
  assert np.isfinite(sync_scores(*clip(3, blocks=16))).all()
  with pytest.raises(ValueError, match='15 blocks of lips, 14 of audio'):
    sync_scores(lip, audio[:-1])


def test_own_audio_beats_that_of_another_clip():
  clips = [clip(seed) for seed in range(4)]
  own = [lse(lip, audio) for lip, audio in clips]
  shuffled = [lse(lip, clips[i - 1][1]) for i, (lip, _) in enumerate(clips)]
  score = lambda tallies, name: mean(merge(t[name] for t in tallies))
  assert score(own, 'lse_c') > 2 * score(shuffled, 'lse_c')
  assert score(own, 'lse_d') < score(shuffled, 'lse_d')
  assert score(own, 'sync_offset') == 0
