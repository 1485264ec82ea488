"""Warping against PyTorch's grid_sample and against a loop that is written from its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import warp

warp_images = jax.jit(warp.warp, static_argnums=2)
sample = jax.jit(warp.sample, static_argnums=3)


@pytest.fixture
def case():
  rng = np.random.default_rng(0)
  images = rng.normal(size=(2, 6, 8, 3)).astype(np.float32)
  flow = rng.normal(scale=3, size=(2, 6, 8, 2)).astype(np.float32)  # some of it leaves the picture
  return jnp.asarray(images), jnp.asarray(flow)


def loop(images, flow, quirk):
  """One pixel at a time, in float64."""
  b, height, width, _ = images.shape
  out = np.zeros(images.shape)
  for i in range(b):
    for y in range(height):
      for x in range(width):
        px, py = x + float(flow[i, y, x, 0]), y + float(flow[i, y, x, 1])
        if quirk:
          px, py = px * width / (width - 1) - 0.5, py * height / (height - 1) - 0.5
        x0, y0 = int(np.floor(px)), int(np.floor(py))
        for yy, xx in ((y0, x0), (y0, x0 + 1), (y0 + 1, x0), (y0 + 1, x0 + 1)):
          if 0 <= yy < height and 0 <= xx < width:
            out[i, y, x] += images[i, yy, xx] * (1 - abs(px - xx)) * (1 - abs(py - yy))
  return out


@pytest.mark.parametrize('quirk', [True, False])
def test_warp_is_the_definition(case, quirk):
  want = loop(*(np.asarray(x) for x in case), quirk)
  np.testing.assert_allclose(warp_images(*case, quirk), want, atol=2e-5)


def test_zero_flow_is_the_identity_only_without_the_quirk(case):
  images, flow = case
  np.testing.assert_allclose(warp_images(images, flow * 0, False), images, atol=1e-5)
  assert np.abs(warp_images(images, flow * 0, True) - images).max() > 0.1


def test_flow_points_to_the_source():
  images = jnp.zeros((1, 6, 8, 1)).at[0, 2, 5].set(1.0)
  flow = jnp.broadcast_to(jnp.array([3.0, 1.0]), (1, 6, 8, 2))  # look 3 right, 1 down
  moved = warp_images(images, flow, False)[0, ..., 0]
  assert moved[1, 2] == pytest.approx(1, abs=1e-5) and moved.sum() == pytest.approx(1, abs=1e-5)


def test_far_outside_is_zero_or_the_edge(case):
  images, _ = case
  x, y = jnp.array([[[-50.0, 50.0]]] * 2), jnp.array([[[2.0, 2.0]]] * 2)
  assert (sample(images, x, y) == 0).all()
  at_edge = sample(images, x, y, True)[:, 0]
  np.testing.assert_allclose(at_edge, images[:, 2][:, [0, -1]], atol=1e-6)


def test_half_grid_is_the_mean_of_four(case):
  grid = warp.sampling_grid(case[1])
  half = warp.halve_grid(grid)
  np.testing.assert_allclose(half[0, 1, 2], grid[0, 2:4, 4:6].mean((0, 1)), atol=1e-6)


@pytest.mark.parametrize('quirk', [True, False])
def test_values_and_gradients_are_pytorchs(case, quirk):
  torch = pytest.importorskip('torch')
  images, flow = case
  theirs = torch.tensor(np.asarray(images).transpose(0, 3, 1, 2), requires_grad=True)
  grid = torch.tensor(np.asarray(warp.sampling_grid(flow, quirk)), requires_grad=True)
  sampled = torch.nn.functional.grid_sample(
    theirs, grid, mode='bilinear', padding_mode='zeros', align_corners=False)
  (sampled**2).sum().backward()
  ours = jnp.asarray(images), jnp.asarray(grid.detach().numpy())

  @jax.jit
  def gradients(images, grid):
    return jax.grad(lambda *x: (warp.grid_sample(*x)**2).sum(), (0, 1))(images, grid)

  np.testing.assert_allclose(
    warp.grid_sample(*ours), sampled.detach().numpy().transpose(0, 2, 3, 1), atol=1e-5)
  grad_images, grad_grid = gradients(*ours)
  np.testing.assert_allclose(grad_images, theirs.grad.numpy().transpose(0, 2, 3, 1), atol=1e-4)
  np.testing.assert_allclose(grad_grid, grid.grad.numpy(), atol=1e-3)


def test_warp_exports(case):
  images, flow = case
  exported = jax.export.export(jax.jit(warp.warp))(
    *(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in case))
  restored = jax.export.deserialize(exported.serialize())
  np.testing.assert_allclose(restored.call(images, flow), warp_images(images, flow), atol=1e-5)
