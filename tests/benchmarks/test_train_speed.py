"""Both sides of the speed benchmark do the same work, and its tables say what was timed."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip('torch')
training = pytest.importorskip('benchmarks.speed.training')
pictures = pytest.importorskip('benchmarks.speed.pictures')

from benchmarks.speed import timing  # noqa: E402
from cemnet_jax.nets import augment, jitter  # noqa: E402


@pytest.mark.parametrize('name', [
  'audio2mouth', 'image_emotion', pytest.param('renderer', marks=pytest.mark.slow),
  pytest.param('ebm', marks=pytest.mark.slow), pytest.param('aee', marks=pytest.mark.slow)])
def test_losses_of_two_steps_agree(name):
  first, second = training.check(name, 'debug', batch_size=4)
  assert first[0] == pytest.approx(first[1], rel=1e-3)
  assert second[0] == pytest.approx(second[1], rel=1e-2)  # Adam doubles what rounding began
  assert abs(second[0] / first[0] - 1) > 1e-2  # the step did something


def test_pictures_are_bent_as_ours():
  rng = np.random.default_rng(0)
  images = rng.random((3, 16, 16, 3), np.float32)
  shift, zoom = rng.uniform(-0.1, 0.1, (3, 2)).astype(np.float32), np.float32([0.9, 1, 1.1])
  degrees, pixels = np.float32([-30, 5, 20]), np.float32([-2, 1, 1.5])
  theirs = torch.from_numpy(images).movedim(-1, 1)
  for ours, function, numbers in (
      (augment.rotate_by, pictures.rotate_by, (degrees,)),
      (augment.perspective_by, pictures.perspective_by, (pixels, pixels[::-1].copy())),
      (jitter.move_by, pictures.move_by, (shift, zoom)), (jitter.blur, pictures.blur, ())):
    got = function(theirs, *map(torch.from_numpy, numbers)).movedim(1, -1)
    np.testing.assert_allclose(got, jax.jit(ours)(images, *numbers), atol=2e-5)


def test_turns_and_ratios():
  calls = []
  runs = {name: lambda count, name=name: calls.append((name, count)) for name in 'ab'}
  times = timing.in_turns(runs, repeats=3, least=0.0)
  assert calls == [('a', 1), ('b', 1)] * 4 and len(times['a']) == 3
  found = timing.ratio(np.array([2.0, 6, 4]), np.array([1.0, 2, 4]))
  assert found.median == 2 and (found.low, found.high) == (1.5, 2.5)
  assert timing.Quartiles(999.6, 1234.5, 0.012).text() == '1,234 (1,000 to 0.0120)'
