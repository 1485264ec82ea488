"""Files of weights: every kind is read alike, and a pickle that would run code is refused."""

import collections
import io
import os
import pickle
import runpy
import shutil
import subprocess
import tarfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from cemnet_jax.errors import UserError
from cemnet_jax.weights.torch_files import file_sha256, read_tensors

torch = pytest.importorskip('torch')

TENSORS = {'a.weight': torch.arange(6.0).reshape(2, 3), 'b': torch.ones(2, dtype=torch.int64)}


def check(path):
  found = read_tensors(path)
  assert found.keys() == TENSORS.keys()
  for name, value in found.items():
    np.testing.assert_array_equal(value, TENSORS[name].numpy())


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('wrap', [
  lambda t: t, lambda t: collections.OrderedDict(t),
  lambda t: {'state_dict': t, 'optimizer': {'state': {0: {'step': 3}}}, 'global_step': 610_000},
  lambda t: {'state_dict': {f'module.{k}': v for k, v in t.items()}}])
def test_pytorch_files(tmp_path, wrap, legacy):
  for name in ('x.pth', 'x.pt', 'x.pth.tar', 'x.model'):
    torch.save(wrap(TENSORS), tmp_path / name, _use_new_zipfile_serialization=not legacy)
    check(tmp_path / name)


def test_other_kinds_agree(tmp_path):
  arrays = {name: value.numpy() for name, value in TENSORS.items()}
  np.savez(tmp_path / 'x.npz', **arrays)
  check(tmp_path / 'x.npz')
  save_file(arrays, tmp_path / 'x.safetensors')
  check(tmp_path / 'x.safetensors')


def test_half_precision_is_read(tmp_path):
  torch.save({'a': torch.tensor([1.5]).bfloat16(), 'b': torch.tensor([2.5]).half()},
             tmp_path / 'x.pth')
  found = read_tensors(tmp_path / 'x.pth')
  assert found['a'] == 1.5 and found['b'] == 2.5


def test_sha256_of_a_file(tmp_path):
  (tmp_path / 'x').write_bytes(b'abc')
  assert file_sha256(tmp_path / 'x').startswith('ba7816bf8f01cfea')


@pytest.mark.parametrize(('name', 'content', 'message'), [
  ('absent.pth', None, 'no such file'), ('x.h5', b'', 'unknown kind'),
  ('x.pth', b'', 'cannot be read'), ('x.pth', b'no archive', 'cannot be read'),
  ('x.pth', b'PK\x03\x04 cut short', 'cannot be read'), ('x.npz', b'broken', 'cannot be read'),
  ('x.safetensors', b'broken', 'cannot be read')])
def test_damaged_files(tmp_path, name, content, message):
  if content is not None:
    (tmp_path / name).write_bytes(content)
  refuse(tmp_path / name, message)


@pytest.mark.parametrize(('value', 'message'), [
  ({}, 'no tensors'), ([torch.ones(1)], 'holds a list'), (torch.ones(1), 'holds a Tensor'),
  ({'a': 1.0}, 'a is a float'), ({'state_dict': {'a': torch.ones(1), 'n': 'x'}}, 'n is a str'),
  ({3: torch.ones(1)}, '3 is a Tensor'), (torch.nn.Linear(1, 1), 'torch.nn.modules.linear')])
def test_what_is_no_state_dict(tmp_path, value, message):
  torch.save(value, tmp_path / 'x.pth')
  refuse(tmp_path / 'x.pth', message)


def refuse(path, message):
  with pytest.raises(UserError, match=message) as error:
    read_tensors(path)
  text = str(error.value)
  assert str(path) in text and '\n' not in text and 'weights_only' not in text


class Call:
  """Unpickling this calls `function(*args)`."""

  def __init__(self, function, *args):
    self.call = function, args

  def __reduce__(self):
    return self.call


def run(canary):
  return Call(exec, f'open({str(canary)!r}, "w").close()')


def script(canary):
  path = canary.with_suffix('.py')
  path.write_text(f'open({str(canary)!r}, "w").close()')
  return str(path)


# Calls that leave a file behind.
CALLS = {
  'os.system': lambda c: Call(os.system, f'touch {c}'),
  'os.mkdir': lambda c: Call(os.mkdir, str(c)),
  'os.open': lambda c: Call(os.open, str(c), os.O_CREAT),
  'subprocess.call': lambda c: Call(subprocess.call, ['touch', str(c)]),
  'subprocess.check_output': lambda c: Call(subprocess.check_output, ['touch', str(c)]),
  'exec': run,
  'eval': lambda c: Call(eval, f'open({str(c)!r}, "w").close()'),
  'open': lambda c: Call(open, str(c), 'w'),
  'import': lambda c: Call(exec, Call(compile, f'__import__("os").mkdir({str(c)!r})', '', 'exec')),
  'pickle.loads': lambda c: Call(pickle.loads, pickle.dumps(run(c))),
  'runpy.run_path': lambda c: Call(runpy.run_path, script(c)),
  'shutil.copy': lambda c: Call(shutil.copy, script(c), str(c)),
  'torch.save': lambda c: Call(torch.save, 1, str(c)),
  'numpy.ndarray.tofile': lambda c: Call(np.ndarray.tofile, np.zeros(1), str(c)),
}


def tensor_with(canary):
  tensor = torch.nn.Parameter(torch.ones(2))
  tensor.extra = run(canary)
  return tensor


# Where in a file's object a call can stand.
PLACES = {
  'value': lambda c: {'a': torch.ones(1), 'b': run(c)},
  'key': lambda c: {run(c): torch.ones(1)},
  'list': lambda c: {'a': [torch.ones(1), (run(c),)]},
  'optimizer': lambda c: {'state_dict': {'a': torch.ones(1)}, 'optimizer': {'lr': run(c)}},
  'tensor': lambda c: {'a': tensor_with(c)},
  'ordered': lambda c: collections.OrderedDict(a=torch.ones(1), b=run(c)),
}


def zipped(value, path):
  torch.save(value, path)


def legacy(value, path):
  torch.save(value, path, _use_new_zipfile_serialization=False)


def plain(value, path):
  path.write_bytes(pickle.dumps(value))


def tarred(value, path):
  """PyTorch's first format: a tar whose parts are pickles."""
  content = pickle.dumps(value)
  member = tarfile.TarInfo('storages')
  member.size = len(content)
  with tarfile.open(path, 'w') as file:
    file.addfile(member, io.BytesIO(content))


def object_array(value, path):
  array = np.empty(1, object)
  array[0] = value
  np.savez(path, a=array)


CASES = [
  *(pytest.param(zipped, call, 'x.pth', id=name) for name, call in CALLS.items()),
  *(pytest.param(zipped, place, 'x.pth', id=f'in {name}') for name, place in PLACES.items()),
  *(pytest.param(write, PLACES['value'], name, id=f'{write.__name__} {name}') for write, name in (
    (legacy, 'x.pth'), (legacy, 'x.pt'), (legacy, 'x.model'), (plain, 'x.pth'),
    (tarred, 'x.pth.tar'), (tarred, 'x.pth'), (object_array, 'x.npz')))]


@pytest.mark.parametrize(('write', 'make', 'name'), CASES)
def test_code_in_a_file_is_not_run(tmp_path, write, make, name):
  canary = tmp_path / 'canary'
  path = tmp_path / name
  write(make(canary), path)
  run_it_as_pickle_would(path)
  assert canary.exists(), 'the file would do nothing anyway'
  canary.rmdir() if canary.is_dir() else canary.unlink()
  refuse(path, 'cannot be read')
  assert not canary.exists()


def run_it_as_pickle_would(path):
  try:
    if path.suffix == '.npz':
      np.load(path, allow_pickle=True)['a']
    else:
      torch.load(path, weights_only=False)
  except Exception:
    pass  # a tar of one part fails after the call


def test_there_are_enough_of_them():
  assert len(CASES) >= 20
