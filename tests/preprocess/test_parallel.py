"""Order and failures of work in processes."""

import os

import pytest

from cemnet_jax.preprocess.parallel import ordered_map


def square(x):
  return x * x


def process_id(_):
  return os.getpid()


def fail_at_three(x):
  if x == 3:
    raise ValueError('three')
  return x


@pytest.mark.parametrize('processes', [1, 2])
def test_order(processes):
  assert list(ordered_map(square, iter(range(20)), processes)) == [x * x for x in range(20)]


def test_other_processes_do_it():
  assert os.getpid() not in set(ordered_map(process_id, range(4), 2))
  assert set(ordered_map(process_id, range(4), 1)) == {os.getpid()}


@pytest.mark.parametrize('processes', [1, 2])
def test_errors_come_back_after_the_results_before_them(processes):
  results = ordered_map(fail_at_three, range(9), processes)
  assert [next(results) for _ in range(3)] == [0, 1, 2]
  with pytest.raises(ValueError, match='three'):
    next(results)


def test_nothing_to_do():
  assert list(ordered_map(square, [], 1)) == []
