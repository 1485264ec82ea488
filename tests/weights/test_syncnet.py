"""SyncNet v2's file: names and shapes are the public ones, and anything else is refused."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.nets.syncnet import SyncNet
from cemnet_jax.weights.syncnet import entries, load_syncnet
from tests.weights.public_tensors import zeros

# From spec 9.1.
SHAPES = {
  'netcnnaud.0.weight': (64, 1, 3, 3), 'netcnnaud.4.weight': (192, 64, 3, 3),
  'netcnnaud.18.weight': (512, 256, 5, 4), 'netcnnaud.19.running_var': (512,),
  'netcnnlip.0.weight': (96, 3, 5, 7, 7), 'netcnnlip.4.weight': (256, 96, 1, 5, 5),
  'netcnnlip.18.weight': (512, 256, 1, 6, 6), 'netcnnlip.18.bias': (512,),
  'netfclip.0.weight': (512, 512), 'netfcaud.3.weight': (1024, 512), 'netfclip.1.bias': (512,)}


@pytest.fixture(scope='module')
def tensors():
  return zeros(SyncNet(), entries(), (1, 5, 224, 224, 3), (1, 13, 20))


def test_names_and_shapes_are_the_public_ones(tensors):
  assert {name: tensors[name].shape for name in SHAPES} == SHAPES
  assert len(tensors) == 2 * (6 * 6 + 8)


def test_lip_kernel_sees_frames_in_turn_and_bgr(tensors, tmp_path):
  weight = np.zeros_like(tensors['netcnnlip.0.weight'])
  weight[7, 2, 3, 5, 6] = 1  # red in the fourth frame, at row 5 and column 6
  np.savez(tmp_path / 'x.npz', **tensors | {'netcnnlip.0.weight': weight})
  net, variables = load_syncnet(tmp_path / 'x.npz')
  kernel = variables['params']['lip_0']['conv']['kernel']
  assert kernel.shape == (7, 7, 15, 96) and kernel[5, 6, 3 * 3 + 2, 7] == 1 and kernel.sum() == 1
  assert net == SyncNet()


def test_other_weights_are_refused(tmp_path):
  np.savez(tmp_path / 'x.npz', **{'conv1.weight': np.zeros((64, 3, 3, 3), np.float32)})
  with pytest.raises(UserError, match='unexpected tensor conv1.weight'):
    load_syncnet(tmp_path / 'x.npz')
