"""VGG19's weights: every tensor used once, and clear errors for files that do not fit."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.weights import vgg19

CHANNELS = (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512)


@pytest.fixture(scope='module')
def tensors():
  """torchvision's names and shapes, each tensor filled with a number of its own."""
  result, channels_in = {}, 3
  for i, (index, size) in enumerate(zip(vgg19.FEATURE_INDEX, CHANNELS, strict=True)):
    result[f'features.{index}.weight'] = np.full((size, channels_in, 3, 3), i, np.float32)
    result[f'features.{index}.bias'] = np.full(size, -i, np.float32)
    channels_in = size
  return result


def test_every_tensor_is_used_once(tensors):
  extra = {'features.34.bias': np.zeros(512, np.float32), 'classifier.6.bias': np.zeros(1000)}
  params = vgg19.to_params(tensors | extra, 'x')
  assert [int(layer['kernel'][0, 0, 0, 0]) for layer in params.values()] == list(range(13))
  assert [int(layer['bias'][0]) for layer in params.values()] == [-i for i in range(13)]
  assert params['conv4_1']['kernel'].shape == (3, 3, 256, 512)


def test_kernel_axes(tensors):
  weight = np.random.default_rng(0).normal(size=(64, 3, 3, 3)).astype(np.float32)
  kernel = vgg19.to_params(tensors | {'features.0.weight': weight}, 'x')['conv1_1']['kernel']
  assert kernel[2, 0, 1, 5] == weight[5, 1, 2, 0]


@pytest.mark.parametrize(('change', 'message'), [
  (lambda t: t.pop('features.28.bias'), r'features\.28\.bias is missing'),
  (lambda t: t.update({'features.0.weight': np.zeros((64, 3, 5, 5))}), 'has shape'),
  (lambda t: t.update({'features.1.running_mean': np.zeros(64)}), 'unexpected tensor'),
  (lambda t: t.update({'features.0.bias': np.full(64, np.nan)}), 'not finite'),
])
def test_files_that_do_not_fit(tensors, change, message):
  tensors = dict(tensors)
  change(tensors)
  with pytest.raises(UserError, match=message) as error:
    vgg19.to_params(tensors, 'some/file.npz')
  assert 'some/file.npz' in str(error.value) and '\n' not in str(error.value)


def test_a_file_is_read(tensors, tmp_path):
  np.savez(tmp_path / 'vgg.npz', **tensors)
  params = vgg19.load_vgg19(tmp_path / 'vgg.npz')
  assert int(params['conv5_1']['bias'][0]) == -12
  with pytest.raises(UserError, match='no such file'):
    vgg19.load_vgg19(tmp_path / 'absent.npz')
