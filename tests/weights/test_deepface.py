"""DeepFace's Keras file: layers by their order, axes as they are, clear errors for other files."""

import builtins

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.nets.deepface import DeepFaceEmotion
from cemnet_jax.weights.deepface import load_deepface
from tests.weights import keras_file


@pytest.fixture(scope='module')
def weights():
  pytest.importorskip('h5py')
  rng = np.random.default_rng(0)
  return [(rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[-1:]))
          for shape in keras_file.SHAPES]


@pytest.mark.parametrize('how', [{}, {'first': 12}, {'root': 'model_weights'}])
def test_layers_in_their_order(weights, tmp_path, how):
  keras_file.write(tmp_path / 'x.h5', weights, **how)
  net, variables = load_deepface(tmp_path / 'x.h5')
  assert net == DeepFaceEmotion(classes=7)
  names = [f'conv_{i}' for i in range(5)] + [f'dense_{i}' for i in range(3)]
  for name, (kernel, bias) in zip(names, weights, strict=True):
    np.testing.assert_array_equal(variables['params'][name]['kernel'], kernel)
    np.testing.assert_allclose(variables['params'][name]['bias'], bias, rtol=1e-6)


def test_files_that_do_not_fit(weights, tmp_path):
  path = tmp_path / 'x.h5'
  with pytest.raises(UserError, match='no such file'):
    load_deepface(path)
  path.write_bytes(b'no HDF5')
  with pytest.raises(UserError, match='cannot be read as Keras weights'):
    load_deepface(path)
  keras_file.write(path, weights[:-1])
  with pytest.raises(UserError, match=r'dense_2\.bias is missing'):
    load_deepface(path)
  keras_file.write(path, [*weights[:-1], (np.zeros((1024, 8)), np.zeros(8))])
  with pytest.raises(UserError, match=r'dense_2\.bias has shape \(8,\)'):
    load_deepface(path)
  keras_file.write(path, [*weights, weights[-1]])
  with pytest.raises(UserError, match=r'unexpected tensor dense_3'):
    load_deepface(path)


def test_without_h5py(tmp_path, monkeypatch):
  (tmp_path / 'x.h5').write_bytes(b'')
  real = builtins.__import__

  def without(name, *args, **kwargs):
    if name == 'h5py':
      raise ModuleNotFoundError(name=name)
    return real(name, *args, **kwargs)

  monkeypatch.setattr(builtins, '__import__', without)
  with pytest.raises(UserError, match='needs the package h5py'):
    load_deepface(tmp_path / 'x.h5')
