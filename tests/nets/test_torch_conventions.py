"""Where PyTorch, or IP-LAP in it, does what one would not guess: each convention by itself."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip('torch')
theirs = pytest.importorskip('benchmarks.torch_nets.renderer')

from benchmarks.torch_nets.vgg19 import VGG19Features as TorchVgg  # noqa: E402
from cemnet_jax.nets import layers, vgg, warp  # noqa: E402
from cemnet_jax.weights.mapping import bgr  # noqa: E402
from cemnet_jax.weights.vgg19 import to_params  # noqa: E402

functional = torch.nn.functional


def draw(*shape, scale=1.0, seed=0):
  return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def first(x):
  return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def last(x):
  return x.movedim(1, -1).numpy()


def test_the_warps_grid_is_corner_aligned_but_its_sampling_is_not():
  images, flow = draw(2, 6, 8, 3), draw(2, 6, 8, 2, scale=2.0, seed=1)
  grid = theirs.sampling_grid(first(flow))
  assert grid[0].amin() < -1 and theirs.sampling_grid(first(0 * flow))[0, 0, 0].tolist() == [-1, -1]
  np.testing.assert_allclose(warp.sampling_grid(flow), grid, atol=1e-5)
  np.testing.assert_allclose(
    jax.jit(warp.warp)(images, flow), last(theirs.warp(first(images), grid)), atol=1e-5)
  aligned = functional.grid_sample(first(images), grid, align_corners=True)
  assert np.abs(last(aligned) - last(theirs.warp(first(images), grid))).max() > 0.1
  small = draw(2, 3, 4, 5)
  ours = warp.grid_sample(small, warp.halve_grid(jnp.asarray(grid.numpy())))
  np.testing.assert_allclose(ours, last(theirs.warp(first(small), grid)), atol=1e-5)


def test_nearest_resizing_takes_the_first_pixel_of_a_square():
  x = draw(2, 6, 8, 3)
  want = functional.interpolate(first(x), (3, 4))
  np.testing.assert_array_equal(layers.nearest_down(jnp.asarray(x)), last(want))
  assert np.abs(jax.image.resize(x, (2, 3, 4, 3), 'nearest') - last(want)).max() > 0.1


def test_pixel_shuffle_splits_channels_before_space():
  x = draw(2, 3, 4, 12)
  want = last(functional.pixel_shuffle(first(x), 2))
  np.testing.assert_array_equal(layers.pixel_shuffle(jnp.asarray(x)), want)


@pytest.mark.parametrize(('axis', 'pictures', 'shape'), [
  (1, 2, (4, 7, 3, 3)), (0, 1, (3, 5, 3, 3))])
def test_imported_layers_see_rgb_where_theirs_see_bgr(axis, pictures, shape):
  def swap(x):
    parts = [x[..., 3 * i:3 * i + 3][..., ::-1] for i in range(pictures)]
    return np.concatenate([*parts, x[..., 3 * pictures:]], -1)
  weight, x = draw(*shape), draw(2, 6, 6, shape[1], seed=1)
  given = swap(x) if axis == 1 else x
  want = last(functional.conv2d(first(given), torch.from_numpy(weight), padding=1))
  ours = nn.Conv(shape[0], (3, 3), use_bias=False).apply(
    {'params': {'kernel': bgr(axis, pictures).ours(weight)}}, x)
  np.testing.assert_allclose(ours, want if axis == 1 else swap(want), atol=1e-5)


def test_vgg_of_iplap_sees_bgr_as_rgb_and_half_of_its_range():
  with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    model = TorchVgg()
  images = np.random.default_rng(1).uniform(size=(1, 16, 16, 3)).astype(np.float32)
  params = to_params({k: v.numpy() for k, v in model.state_dict().items()}, 'random')
  ours = jax.jit(vgg.VGG19Features(iplap_input=True).apply)({'params': params}, images)
  x = (images[..., ::-1] + 1) / 2
  x = (x - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
  with torch.no_grad():
    wanted = model(first(x))
  for got, want in zip(ours, wanted, strict=True):
    np.testing.assert_allclose(got, last(want), atol=1e-4 * np.abs(want.numpy()).max())
