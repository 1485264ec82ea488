"""Losses on pictures against their definitions written out in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.losses import images as losses


@pytest.fixture
def pair():
  rng = np.random.default_rng(0)
  return tuple(jnp.asarray(rng.uniform(size=(3, 8, 8, 3)), jnp.float32) for _ in range(2))


def two_maps(images):
  """A stand-in network: the picture, and a coarser map with two channels."""
  return [images, images[:, ::2, ::2, :2] * 3]


def shrink(x):
  return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def gram_matrix(maps):
  flat = maps.reshape(len(maps), -1, maps.shape[-1])
  return flat.transpose(0, 2, 1) @ flat / flat[0].size


def definition(p, t, style=0.0):
  """Per example: both scales' L1 and the full scale's Gram term."""
  mean = lambda x: np.abs(x).reshape(len(x), -1).mean(1)
  total = sum(mean(a - b) for a, b in zip(two_maps(p), two_maps(t), strict=True))
  total = total + style * sum(
    mean(gram_matrix(a) - gram_matrix(b)) for a, b in zip(two_maps(p), two_maps(t), strict=True))
  p, t = shrink(p), shrink(t)
  return total + sum(mean(a - b) for a, b in zip(two_maps(p), two_maps(t), strict=True))


@pytest.mark.parametrize('style', [0.0, 250.0])
def test_perceptual(pair, style):
  want = definition(*pair, style)
  assert losses.perceptual(two_maps, *pair, style) == pytest.approx(want.mean(), rel=1e-4)
  mask = jnp.array([1.0, 0.0, 1.0])
  assert losses.perceptual(two_maps, *pair, style, mask=mask) == pytest.approx(
    want[[0, 2]].mean(), rel=1e-4)
  assert losses.perceptual(two_maps, pair[0], pair[0], style) == 0


def test_no_gradient_reaches_targets(pair):
  region = jnp.ones((8, 8, 1))
  critic = lambda x: [[x, x * 2]]
  for loss in (
      lambda p, t: losses.perceptual(two_maps, p, t, 250.0),
      lambda p, t: losses.masked_l1(p, t, region),
      lambda p, t: losses.feature_matching(critic(t), critic(p))):
    predicted, target = jax.jit(jax.grad(loss, (0, 1)))(*pair)
    assert jnp.abs(predicted).max() > 0
    assert (target == 0).all()


def test_masked_l1(pair):
  p, t = pair
  region = jnp.zeros((8, 8, 1)).at[4:].set(1.0).at[6].set(3.0)
  want = np.abs(p - t).mean(-1)
  want = (want[:, 4:].sum((1, 2)) + 2 * want[:, 6].sum(1)) / (4 * 8 + 2 * 8)
  assert losses.masked_l1(p, t, region) == pytest.approx(want.mean(), rel=1e-5)
  assert losses.masked_l1(p, t, region, jnp.array([0.0, 1.0, 0.0])) == pytest.approx(
    want[1], rel=1e-5)
  assert losses.masked_l1(p, t, region * 0) == 0


def test_box_around():
  points = jnp.array([[[0.30, 0.52], [0.52, 0.61], [0.40, 0.90]],
                      [[-0.2, 0.5], [0.1, 0.5], [0.0, 0.5]]])
  box = losses.box_around(points, 10, 20, 0.06)
  assert box.shape == (2, 10, 20, 1)
  rows, columns = (np.arange(n) + 0.5 for n in (10, 20))
  want = ((rows / 10 >= 0.46) & (rows / 10 <= 0.96))[:, None] & (
    (columns / 20 >= 0.24) & (columns / 20 <= 0.58))
  np.testing.assert_array_equal(box[0, ..., 0], want)
  assert want.sum() == 5 * 7, 'rows 5 to 9, columns 5 to 11'
  assert box[1].sum() == 2 * 3, 'rows 4 and 5 of 10, what lies outside the picture cut off'


def scores(seed):
  """Two scales of three feature maps and a score map, as the discriminator gives them."""
  rng = np.random.default_rng(seed)
  shapes = ((4, 4, 2), (3, 3, 4), (2, 2, 6), (2, 2, 1))
  return [[jnp.asarray(rng.normal(size=(3, *shape)), jnp.float32) for shape in shapes]
          for _ in range(2)]


def test_lsgan():
  real, fake = scores(0), scores(1)
  generator = float(sum(((maps[-1] - 1)**2).mean() for maps in fake))
  assert losses.lsgan_generator(fake) == pytest.approx(generator, rel=1e-5)
  discriminator = sum((f[-1]**2).mean() + ((r[-1] - 1)**2).mean() for f, r in zip(fake, real)) / 2
  assert losses.lsgan_discriminator(real, fake) == pytest.approx(float(discriminator), rel=1e-5)
  mask = jnp.array([0.0, 0.0, 1.0])
  one = sum((f[-1][2]**2).mean() + ((r[-1][2] - 1)**2).mean() for f, r in zip(fake, real)) / 2
  assert losses.lsgan_discriminator(real, fake, mask) == pytest.approx(float(one), rel=1e-5)
  perfect = [[jnp.ones((3, 2, 2, 1))]]
  assert losses.lsgan_generator(perfect) == 0
  assert losses.lsgan_discriminator(perfect, [[jnp.zeros((3, 2, 2, 1))]]) == 0


def test_feature_matching_ignores_the_scores():
  real, fake = scores(0), scores(1)
  want = sum(np.abs(r - f).mean() for a, b in zip(real, fake) for r, f in zip(a[:3], b[:3]))
  want *= 0.5 * (4 / 3) * 2.5  # scales, maps (4 / 4 with the paper's three layers), inner weight
  assert losses.feature_matching(real, fake) == pytest.approx(float(want), rel=1e-5)
  fake[0][-1] = fake[0][-1] + 100
  assert losses.feature_matching(real, fake) == pytest.approx(float(want), rel=1e-5)
