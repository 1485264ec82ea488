"""The generation benchmark: PyTorch's nets make the same video, and every part is counted once."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='compares with PyTorch: pip install torch==2.13.0')

from benchmarks.speed import generating  # noqa: E402
from benchmarks.speed.system import networks, scene  # noqa: E402
from benchmarks.speed.torch_talker import TorchNets  # noqa: E402
from cemnet_jax.infer import forward  # noqa: E402
from cemnet_jax.infer.talker import Talker  # noqa: E402
from cemnet_jax.preprocess.encode import write_video  # noqa: E402
from cemnet_jax.preprocess.video import read_video  # noqa: E402


@pytest.fixture(scope='module')
def shown():
  return scene(64, 1.5)  # more windows than a batch holds


@pytest.fixture(scope='module')
def nets(shown):
  return networks('debug', 0, shown.references())


def painted(talker, plan, monkeypatch):
  """The crops that the renderer paints for a plan, of whole batches."""
  crops, paint = [], forward.paint
  with monkeypatch.context() as patch:
    patch.setattr(forward, 'paint', lambda *args: crops.append(paint(*args)) or crops[-1])
    assert len(list(talker.frames(plan))) == len(plan.landmarks)
  return np.concatenate([crop.image for crop in crops])


@pytest.mark.parametrize('one_by_one', [True, False])
def test_both_ways_in_pytorch_make_our_video(shown, nets, one_by_one, monkeypatch):
  talker, references = Talker(nets), shown.references()
  ours = talker.plan(references, shown.audio)
  frames = painted(talker, ours, monkeypatch)
  with TorchNets(nets, 'cpu', one_by_one).in_place():
    theirs = talker.plan(references, shown.audio)
    np.testing.assert_allclose(theirs.landmarks, ours.landmarks, atol=1e-4)
    np.testing.assert_allclose(painted(talker, ours, monkeypatch), frames, atol=2 / 255)
  assert np.ptp(frames, axis=0).max() > 20 / 255


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
