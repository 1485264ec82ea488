"""What fingerprints tell apart, and what they do not."""

import subprocess

import numpy as np
import pytest

from cemnet_jax import fingerprints as fp
from cemnet_jax.errors import UserError


def test_arrays_by_name_type_shape_and_value():
  a = {'x': np.arange(6, dtype=np.float32), 'y': np.zeros(2, np.int32)}
  same = {'y': a['y'].copy(), 'x': a['x'][::-1][::-1]}
  others = [{**a, 'x': a['x'].reshape(2, 3)}, {**a, 'x': a['x'].astype(np.float64)},
            {**a, 'x': np.nextafter(a['x'], 9)}, {'z': a['x'], 'y': a['y']}, {'x': a['x']}]
  assert fp.of_arrays(a) == fp.of_arrays(same) and len(fp.of_arrays(a)) == 16
  assert len({fp.of_arrays(x) for x in (a, *others)}) == 6


def test_values_and_stages():
  assert fp.of_value({'a': 1, 'b': [2]}) == fp.of_value({'b': [2], 'a': 1}) != fp.of_value({'a': 1})
  stage = fp.of_stage('p', {'lr': 1}, {'frozen.aee': 'f'})
  assert len({stage, fp.of_stage('q', {'lr': 1}, {'frozen.aee': 'f'}),
              fp.of_stage('p', {'lr': 2}, {'frozen.aee': 'f'}),
              fp.of_stage('p', {'lr': 1}, {'frozen.aee': 'g'})}) == 4


def test_differences_are_of_what_both_know():
  assert fp.differences({'a': 1, 'b': 2, 'c': 3}, {'a': 1, 'b': 5, 'd': 4}) == ['b 2 -> 5']
  fp.check_same('it', {'a': 1}, {'a': 1}, 'run')
  with pytest.raises(UserError, match=r"run: it changed since.*\(a None -> 2; b 1 -> None\)"):
    fp.check_same('it', {'b': 1}, {'a': 2}, 'run')


def test_source_says_whether_the_checkout_was_changed(tmp_path, monkeypatch):
  package = tmp_path / 'cemnet_jax'
  package.mkdir()
  (package / 'code.py').write_text('x = 1\n')
  monkeypatch.setattr(fp, 'PACKAGE', package)
  def source():
    fp.source.cache_clear()
    return fp.source()
  assert source()['commit'] == 'unknown' and not source()['changed']
  def git(*arguments):
    subprocess.run(['git', '-C', tmp_path, '-c', 'user.name=n', '-c', 'user.email=e', *arguments],
                   check=True, capture_output=True)
  git('init')
  git('add', '.')
  git('commit', '-m', 'm')
  clean = source()
  assert len(clean['commit']) == 40 and not clean['changed']
  (package / 'code.py').write_text('x = 2\n')
  changed = source()
  assert changed['changed'] and changed['commit'] == clean['commit']
  assert changed['sources'] != clean['sources']
  fp.source.cache_clear()
