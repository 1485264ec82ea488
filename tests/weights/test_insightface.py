"""insightface's IResNets: public names and shapes, the depth by the names, the frozen scale."""

import jax
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.weights import insightface
from tests.weights.public_tensors import zeros

# From spec A.7, for IResNet-50.
SHAPES = {
  'conv1.weight': (64, 3, 3, 3), 'prelu.weight': (64,), 'layer1.0.bn1.running_mean': (64,),
  'layer2.0.conv1.weight': (128, 64, 3, 3), 'layer2.0.conv2.weight': (128, 128, 3, 3),
  'layer2.0.downsample.0.weight': (128, 64, 1, 1), 'layer2.0.downsample.1.weight': (128,),
  'layer3.13.prelu.weight': (256,), 'layer4.2.bn3.bias': (512,), 'bn2.weight': (512,),
  'fc.weight': (512, 25088), 'fc.bias': (512,), 'features.bias': (512,)}


def tensors_of(net):
  tensors = zeros(net, insightface.entries(net), (1, net.input_size, net.input_size, 3))
  return tensors | {'features.weight': np.ones(net.dim, np.float32)}


def test_names_and_shapes_are_the_public_ones():
  tensors = tensors_of(IResNet())
  assert {name: tensors[name].shape for name in SHAPES} == SHAPES
  norms = sum(name.endswith('running_mean') for name in tensors)
  assert len(tensors) + norms == 475  # the public file also counts batches


@pytest.mark.parametrize('stages', [(2, 2, 2, 2), (3, 4, 6, 3), (3, 13, 30, 3)])
def test_depth_is_told_by_the_names(stages):
  net = IResNet(stages, width=2, dim=3, input_size=16)
  assert insightface.depth(tensors_of(net), 'x') == stages


def test_import_of_the_public_size():
  tensors = tensors_of(IResNet((2, 2, 2, 2)))
  net, variables = insightface.from_tensors(tensors, 'x')
  assert net == IResNet((2, 2, 2, 2))
  assert sum(leaf.size for leaf in jax.tree.leaves(variables['params'])) == 24_025_600 - 512


@pytest.mark.parametrize(('name', 'value', 'message'), [
  ('features.weight', np.full(512, 2.0), 'features.weight is not one'),
  ('layer1.0.se.weight', np.zeros(3), 'unexpected tensor layer1.0.se.weight'),
  ('fc.weight', np.zeros((512, 512)), r'fc\.weight has shape \(512, 512\)')])
def test_files_that_do_not_fit(name, value, message):
  tensors = tensors_of(IResNet((2, 2, 2, 2))) | {name: value}
  with pytest.raises(UserError, match=message):
    insightface.from_tensors(tensors, 'x')


def test_other_weights_are_refused(tmp_path):
  np.savez(tmp_path / 'x.npz', **{'netcnnaud.0.bias': np.zeros(64)})
  with pytest.raises(UserError, match='no layer1 to layer4 of an IResNet'):
    insightface.load_insightface(tmp_path / 'x.npz')


def test_pictures_that_do_not_halve_evenly():
  tensors = tensors_of(IResNet(stages=(1, 1, 1, 1), width=8, dim=4, input_size=56))
  assert tensors['fc.weight'].shape == (4, 64 * 4 * 4)
