"""Heatmap means by hand, and a detector whose points follow the picture's."""

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.nets.landmark_net import LandmarkNet, heatmap_means
from tests.nets.random_variables import random_variables


def test_heatmap_means():
  heat = np.full((1, 4, 8, 3), -1e9, np.float32)
  heat[0, 2, 5, 0] = 0  # one place
  heat[0, 0, [0, 7], 1] = 0  # two of equal weight
  heat[..., 2] = 7  # everywhere
  expected = [[5.5 / 8, 2.5 / 4], [0.5, 0.5 / 4], [0.5, 0.5]]
  np.testing.assert_allclose(heatmap_means(jnp.asarray(heat))[0], expected, atol=1e-6)


def test_heatmap_means_weigh_places():
  heat = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
  share = np.exp(heat) / np.exp(heat).sum((1, 2), keepdims=True)
  y, x = np.mgrid[:3, :5]
  expected = np.stack([(share * ((x + .5) / 5)[..., None]).sum((1, 2)),
                       (share * ((y + .5) / 3)[..., None]).sum((1, 2))], -1)
  np.testing.assert_allclose(heatmap_means(jnp.asarray(heat)), expected, atol=1e-6)


def test_points_follow_the_picture():
  net = LandmarkNet(width=4)
  picture = np.full((1, 64, 64, 3), 0.5, np.float32)  # what the net centres to zero
  picture[:, 16:32, 16:32] = np.random.default_rng(1).random((16, 16, 3))
  moved = np.roll(picture, 16, axis=2)
  images = np.concatenate([picture, moved])
  variables = random_variables(net, images, train=False)
  # Without biases the empty part stays zero in every layer, and so knows no border.
  variables = jax.tree_util.tree_map_with_path(
    lambda path, leaf: leaf * (path[-1].key not in ('bias', 'mean')), variables)
  variables['params']['heat']['kernel'] *= 300  # sharp maps
  points = np.asarray(jax.jit(lambda x: net.apply(variables, x, train=False))(images))
  assert points.shape == (2, 131, 2) and (points > 0).all() and (points < 1).all()
  step = np.median(points[1] - points[0], axis=0)
  np.testing.assert_allclose(step, [0.25, 0], atol=1e-3)
