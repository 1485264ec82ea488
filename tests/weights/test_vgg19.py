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


def test_npz_and_torch_files_agree(tensors, tmp_path):
  np.savez(tmp_path / 'vgg.npz', **tensors)
  from_npz = vgg19.load_vgg19(tmp_path / 'vgg.npz')
  torch = pytest.importorskip('torch')
  torch.save({k: torch.from_numpy(v) for k, v in tensors.items()}, tmp_path / 'vgg.pth')
  from_torch = vgg19.load_vgg19(tmp_path / 'vgg.pth')
  for name, layer in from_npz.items():
    for key, value in layer.items():
      np.testing.assert_array_equal(value, from_torch[name][key])


def test_safetensors_file(tensors, tmp_path):
  numpy_files = pytest.importorskip('safetensors.numpy')
  numpy_files.save_file(tensors, tmp_path / 'vgg.safetensors')
  params = vgg19.load_vgg19(tmp_path / 'vgg.safetensors')
  assert int(params['conv5_1']['bias'][0]) == -12
  (tmp_path / 'broken.safetensors').write_bytes(b'broken')
  with pytest.raises(UserError, match='cannot be read'):
    vgg19.load_vgg19(tmp_path / 'broken.safetensors')


class _Code:
  """Unpickling this would run code."""

  def __reduce__(self):
    return (print, ('ran',))


def test_unreadable_files(tmp_path):
  with pytest.raises(UserError, match='no such file'):
    vgg19.load_vgg19(tmp_path / 'absent.npz')
  for content in (b'', b'no archive', b'PK\x03\x04 cut short'):
    (tmp_path / 'broken.npz').write_bytes(content)
    with pytest.raises(UserError, match='cannot be read'):
      vgg19.load_vgg19(tmp_path / 'broken.npz')
  (tmp_path / 'vgg.h5').write_bytes(b'')
  with pytest.raises(UserError, match='unknown kind'):
    vgg19.load_vgg19(tmp_path / 'vgg.h5')
  np.savez(tmp_path / 'pickled.npz', x=np.array([_Code()], dtype=object))
  with pytest.raises(UserError, match='cannot be read'):
    vgg19.load_vgg19(tmp_path / 'pickled.npz')


def test_torch_file_that_would_run_code(tmp_path, capsys):
  torch = pytest.importorskip('torch')
  torch.save({'features.0.weight': _Code()}, tmp_path / 'evil.pth')
  with pytest.raises(UserError, match='cannot be read'):
    vgg19.load_vgg19(tmp_path / 'evil.pth')
  assert 'ran' not in capsys.readouterr().out
