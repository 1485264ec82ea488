"""VGG19's feature maps: size, shapes, normalisation, and parity with layers written in PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import vgg
from cemnet_jax.weights.vgg19 import FEATURE_INDEX, to_params

# torchvision's "E" up to conv5_1: channels, or M for a max-pool.
CONFIGURATION = (64, 64, 'M', 128, 128, 'M', 256, 256, 256, 256, 'M', 512, 512, 512, 512, 'M', 512)


@pytest.fixture(scope='module')
def tensors():
  """Random weights under torchvision's names; He's scale keeps all five maps alive."""
  rng = np.random.default_rng(0)
  result, channels_in = {}, 3
  for index, size in zip(FEATURE_INDEX, [c for c in CONFIGURATION if c != 'M'], strict=True):
    std = np.sqrt(2 / (9 * channels_in))
    result[f'features.{index}.weight'] = rng.normal(
      scale=std, size=(size, channels_in, 3, 3)).astype(np.float32)
    result[f'features.{index}.bias'] = rng.normal(scale=0.1, size=size).astype(np.float32)
    channels_in = size
  return result


def test_importers_tree_is_the_networks(tensors):
  net = vgg.VGG19Features()
  wanted = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))['params']
  given = to_params(tensors, 'random')
  assert jax.tree.map(lambda x: x.shape, given) == jax.tree.map(lambda x: x.shape, wanted)


@pytest.mark.parametrize('iplap_input', [False, True])
def test_parity_with_pytorch(tensors, iplap_input):
  torch = pytest.importorskip('torch')
  images = np.random.default_rng(1).uniform(size=(1, 32, 32, 3)).astype(np.float32)
  net = vgg.VGG19Features(iplap_input)
  ours = jax.jit(net.apply)({'params': to_params(tensors, 'random')}, images)

  x = torch.tensor(images.transpose(0, 3, 1, 2))
  if iplap_input:
    x = (x.flip(1) + 1) / 2  # what OpenCV's channel order and IP-LAP's range make of it
  mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (
    (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
  x = (x - mean) / std
  wanted, index, taken = [], 0, True
  for entry in CONFIGURATION:
    if entry == 'M':
      x, index, taken = torch.nn.functional.max_pool2d(x, 2), index + 1, True
      continue
    x = torch.relu(torch.nn.functional.conv2d(
      x, torch.tensor(tensors[f'features.{index}.weight']),
      torch.tensor(tensors[f'features.{index}.bias']), padding=1))
    index += 2
    if taken:
      wanted.append(x.numpy().transpose(0, 2, 3, 1))
      taken = False
  assert [m.shape for m in ours] == [m.shape for m in wanted]
  for got, want in zip(ours, wanted, strict=True):
    np.testing.assert_allclose(got, want, atol=1e-3 * np.abs(want).max())
