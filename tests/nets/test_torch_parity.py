"""Every net against its PyTorch counterpart: weights through the importer, outputs, gradients."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip('torch')
cases = pytest.importorskip('benchmarks.torch_nets.cases')
compare = pytest.importorskip('benchmarks.torch_nets.compare')

from cemnet_jax.nets.batch_norm import BatchNorm  # noqa: E402

DEEP = 'IResNet-50', 'IResNet-100'
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in DEEP)) for name in cases.ALL]


@pytest.mark.parametrize('name', NAMES)
def test_outputs_and_gradients_are_pytorchs(name):
  case = cases.ALL[name](paper=False)
  for train in compare.modes(case):
    found = compare.compare(*compare.run(case, train))
    assert found.outputs.relative < 1e-4, (train, found)
    if train and case.kinked:
      found = compare.compare(*compare.run(case, train, np.float64))
    assert found.gradients.relative < 1e-3, (train, found)


def test_two_tensors_in_each_others_place_are_noticed():
  case = cases.ALL['audio decoder'](paper=False)
  other = {'decon.1.weight': 'decon.1.bias', 'decon.1.bias': 'decon.1.weight'}
  entries = [entry._replace(tensor=other.get(entry.tensor, entry.tensor))
             for entry in case.entries]
  found = compare.compare(*compare.run(case._replace(entries=entries), train=False))
  assert found.outputs.relative > 1e-2 and found.gradients.relative > 1e-2


@pytest.mark.parametrize('name', cases.ALL)
def test_counterparts_of_the_papers_size_have_as_many_parameters(name):
  with torch.device('meta'):
    case = cases.ALL[name](paper=True)
  theirs = sum(p.numel() for p in case.model.parameters() if p.requires_grad)
  ours = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(compare.shapes(case)['params']))
  assert ours == theirs


def test_running_statistics_but_for_bessels_correction():
  # PyTorch's running variance takes n / (n - 1) of the batch's; flax takes the batch's own.
  x = np.random.default_rng(0).normal(2, 3, (4, 3, 3, 5)).astype(np.float32)
  norm = torch.nn.BatchNorm2d(5)
  norm(torch.from_numpy(x).movedim(-1, 1))
  ours = BatchNorm(use_running_average=False)
  _, new = ours.apply(ours.init(jax.random.key(0), x), x, mutable='batch_stats')
  n = x[..., 0].size
  np.testing.assert_allclose(new['batch_stats']['mean'], norm.running_mean, rtol=1e-5)
  np.testing.assert_allclose(
    0.9 + (new['batch_stats']['var'] - 0.9) * n / (n - 1), norm.running_var, rtol=1e-5)
