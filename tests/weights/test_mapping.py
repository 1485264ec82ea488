"""Tables of entries: axes, parts of tensors and of leaves, and what a wrong file is told."""

import flax.linen as nn
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.weights import mapping
from cemnet_jax.weights.mapping import Entry

RNG = np.random.default_rng(0)


class Net(nn.Module):
  @nn.compact
  def __call__(self, x):
    x = nn.Conv(4, (3, 3), name='conv')(x)
    x = nn.BatchNorm(use_running_average=True, name='norm')(x)
    return nn.Dense(6, name='dense')(x)


SHAPES = mapping.shapes_of(Net(), (1, 5, 5, 2))
# Two linear layers of theirs stand in one of ours.
ENTRIES = [
  *mapping.convolution('a.conv', ('conv',)), *mapping.norm('a.bn', ('norm',)),
  *(Entry(f'{name}.{kind}', ('params', 'dense', leaf), turn, columns=(i, 2))
    for i, name in enumerate(('gamma', 'beta'))
    for kind, leaf, turn in (('weight', 'kernel', mapping.CONV), ('bias', 'bias', mapping.SAME)))]


@pytest.fixture
def tensors():
  shapes = {'a.conv.weight': (4, 2, 3, 3), 'a.conv.bias': (4,), 'gamma.weight': (3, 4),
            'gamma.bias': (3,), 'beta.weight': (3, 4), 'beta.bias': (3,)}
  shapes |= {f'a.bn.{k}': (4,) for k in ('weight', 'bias', 'running_mean', 'running_var')}
  return {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_there_and_back(tensors):
  counted = tensors | {'a.bn.num_batches_tracked': np.int64(7)}
  variables = mapping.to_variables(ENTRIES, counted, SHAPES, 'x')
  params = variables['params']
  assert params['conv']['kernel'][2, 0, 1, 3] == tensors['a.conv.weight'][3, 1, 2, 0]
  assert params['dense']['kernel'][1, 3 + 2] == tensors['beta.weight'][2, 1]
  np.testing.assert_array_equal(variables['batch_stats']['norm']['var'],
                                tensors['a.bn.running_var'])
  back = mapping.to_tensors(ENTRIES, variables)
  assert back.keys() == tensors.keys()
  for name, value in back.items():
    np.testing.assert_array_equal(value, tensors[name])


@pytest.mark.parametrize(('turn', 'theirs', 'ours'), [
  (mapping.CONV, (2, 3, 5), (5, 3, 2)), (mapping.CONV, (2, 3), (3, 2)),
  (mapping.DECONV, (2, 3, 4, 5), (4, 5, 2, 3)),
  (mapping.time_as_channels(3), (2, 7, 3, 4, 5), (4, 5, 21, 2)),
  (mapping.after_picture(3, 4, 5), (2, 60), (60, 2)),
  (mapping.bgr(1, 2), (2, 7, 3, 3), (3, 3, 7, 2)), (mapping.bgr(0), (3, 2, 1, 1), (1, 1, 2, 3))])
def test_turns_are_undone(turn, theirs, ours):
  tensor = RNG.normal(size=theirs)
  leaf = turn.ours(tensor)
  assert leaf.shape == ours
  np.testing.assert_array_equal(turn.theirs(leaf), tensor)


def test_where_turned_elements_go():
  x = RNG.normal(size=(2, 3, 4, 5))
  assert mapping.DECONV.ours(x)[0, 1, 1, 2] == x[1, 2, 3, 3]
  x = RNG.normal(size=(2, 7, 3, 4, 5))
  assert mapping.time_as_channels(3).ours(x)[1, 4, 2 * 7 + 6, 1] == x[1, 6, 2, 1, 4]
  x = RNG.normal(size=(4, 7, 1, 1))
  for turn, swapped in ((mapping.bgr(1, 2), x[:, [2, 1, 0, 5, 4, 3, 6]]),
                        (mapping.bgr(0), x[[2, 1, 0, 3]])):
    np.testing.assert_array_equal(turn.ours(x)[0, 0].T, swapped[..., 0, 0])
  x = RNG.normal(size=(2, 60))
  assert mapping.after_picture(3, 4, 5).ours(x)[(2 * 5 + 4) * 3 + 1, 1] == x[1, (1 * 4 + 2) * 5 + 4]


def test_one_tensor_may_fill_several_leaves():
  class Two(nn.Module):
    @nn.compact
    def __call__(self, x):
      return nn.Dense(3, use_bias=False, name='q')(x), nn.Dense(3, use_bias=False, name='k')(x)
  entries = [Entry('qk', ('params', name, 'kernel'), mapping.CONV, rows=(i, 2))
             for i, name in enumerate('qk')]
  both = RNG.normal(size=(6, 4)).astype(np.float32)
  variables = mapping.to_variables(entries, {'qk': both}, mapping.shapes_of(Two(), (1, 4)), 'x')
  np.testing.assert_array_equal(variables['params']['k']['kernel'], both[3:].T)
  np.testing.assert_array_equal(mapping.to_tensors(entries, variables)['qk'], both)


@pytest.mark.parametrize(('change', 'message'), [
  (lambda t: t.pop('beta.bias'), r'beta\.bias is missing'),
  (lambda t: t.update({'gamma.weight': np.zeros((4, 3))}), r'has shape \(4, 3\), \(3, 4\) is'),
  (lambda t: t.update({'a.conv.weight': np.zeros((4, 2, 9))}), 'has shape'),
  (lambda t: t.update({'a.bn.weight': np.float32(1)}), 'has shape'),
  (lambda t: t.update({'other.weight': np.zeros(3)}), r'unexpected tensor other\.weight'),
  (lambda t: t.update({'gamma.bias': np.array([0, np.inf, 0])}), 'not finite'),
  (lambda t: t.update({'gamma.bias': np.array(['a', 'b', 'c'])}), 'not finite'),
])
def test_files_that_do_not_fit(tensors, change, message):
  change(tensors)
  with pytest.raises(UserError, match=message) as error:
    mapping.to_variables(ENTRIES, tensors, SHAPES, 'some/file.pth')
  assert 'some/file.pth' in str(error.value) and '\n' not in str(error.value)


def test_what_is_ignored_is_named(tensors):
  tensors |= {'perceptual.0.weight': np.zeros(3), 'a.perceptual.0': np.zeros(3)}
  with pytest.raises(UserError, match=r'unexpected tensor a\.perceptual'):
    mapping.to_variables(ENTRIES, tensors, SHAPES, 'x', ignored=r'perceptual\..*')


@pytest.mark.parametrize('entries', [
  ENTRIES[1:], ENTRIES + ENTRIES[:1], ENTRIES[:-1],
  ENTRIES + [Entry('more', ('params', 'more', 'bias'))]])
def test_tables_that_do_not_cover_the_network(tensors, entries):
  with pytest.raises(ValueError, match='used twice or in part|differ at'):
    mapping.to_variables(entries, tensors, SHAPES, 'x')
