"""The generation benchmark: PyTorch's nets make the same video, and every part is counted once."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='compares with PyTorch: pip install torch==2.13.0')

from benchmarks.speed import generating  # noqa: E402
from benchmarks.speed.system import networks, scene  # noqa: E402
from benchmarks.speed.torch_talker import TorchNets  # noqa: E402
from cemnet_jax.infer.talker import Talker  # noqa: E402
from cemnet_jax.preprocess.video import read_video, write_video  # noqa: E402


@pytest.fixture(scope='module')
def shown():
  return scene(64, 1.5)  # more windows than a batch holds


@pytest.fixture(scope='module')
def nets(shown):
  return networks('debug', 0, shown.references())


@pytest.mark.parametrize('one_by_one', [True, False])
def test_both_ways_in_pytorch_make_our_video(shown, nets, one_by_one):
  talker, references = Talker(nets), shown.references()
  ours = talker.plan(references, shown.audio)
  frames = np.stack(list(talker.frames(ours)))
  with TorchNets(nets, 'cpu', one_by_one).in_place():
    theirs = talker.plan(references, shown.audio)
    np.testing.assert_allclose(theirs.landmarks, ours.landmarks, atol=1e-4)
    painted = np.stack(list(talker.frames(ours)))
  assert np.abs(painted.astype(int) - frames).max() <= 2
  assert np.ptp(frames, axis=0).max() > 20


def test_every_part_is_counted(shown, nets, tmp_path):
  write_video(tmp_path / 'in.mp4', shown.frames, shown.audio)
  made = generating.generate(Talker(nets), tmp_path / 'in.mp4', shown.landmarks, None,
                             tmp_path / 'out.mp4')
  assert set(made.seconds) == set(generating.PARTS)
  assert made.frames - len(shown.frames) in (0, 1)  # AAC fills up its last block
  assert all(made.seconds[part] > 0 for part in generating.PARTS if part != generating.LANDMARKS)
  assert read_video(tmp_path / 'out.mp4').frames.shape[1:] == made.sample.shape


def test_a_clock_counts_what_is_inside_once(monkeypatch):
  now = [0]
  monkeypatch.setattr(generating.time, 'perf_counter', lambda: now[0])

  def spend(seconds):
    now[0] += seconds
    return seconds

  clock = generating.Clock()
  spend(1)
  with clock.part('outer'):
    spend(2)
    assert list(clock.drawn('inner', (spend(4) for _ in range(2)))) == [4, 4]
    spend(16)
  with clock.part('outer'):
    spend(32)
  assert clock.seconds == {generating.REST: 1, 'outer': 50, 'inner': 8}
