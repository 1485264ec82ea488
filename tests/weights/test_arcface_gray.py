"""The gray ResNet-18 of arcface-pytorch: public names and shapes, and no SE blocks."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.weights import arcface_gray
from tests.weights.public_tensors import zeros

# As `resnet_face18(use_se=False)` names them, spec 5.
SHAPES = {
  'conv1.weight': (64, 1, 3, 3), 'prelu.weight': (1,), 'layer1.0.bn0.weight': (64,),
  'layer2.0.conv1.weight': (64, 64, 3, 3), 'layer2.0.bn1.weight': (64,),
  'layer2.0.conv2.weight': (128, 64, 3, 3), 'layer2.0.bn2.bias': (128,),
  'layer4.0.downsample.0.weight': (512, 256, 1, 1), 'layer4.1.prelu.weight': (1,),
  'bn4.running_var': (512,), 'fc5.weight': (512, 32768), 'bn5.weight': (512,)}


@pytest.fixture(scope='module')
def tensors():
  net = GrayResNet()
  return zeros(net, arcface_gray.entries(net), (1, 128, 128, 3))


def test_names_and_shapes_are_the_public_ones(tensors):
  assert {name: tensors[name].shape for name in SHAPES} == SHAPES
  assert 'layer1.0.downsample.0.weight' not in tensors
  net, variables = arcface_gray.from_tensors(tensors, 'x')
  assert net == GrayResNet()
  assert variables['params']['linear']['kernel'].shape == (32768, 512)


def test_se_blocks_are_refused(tensors, tmp_path):
  with pytest.raises(UserError, match='use_se=False'):
    arcface_gray.from_tensors(tensors | {'layer1.0.se.fc.0.weight': np.zeros((4, 64))}, 'x')
  np.savez(tmp_path / 'x.npz', **{'fc5.bias': np.zeros(512)})
  with pytest.raises(UserError, match='is missing'):
    arcface_gray.load_arcface_gray(tmp_path / 'x.npz')
