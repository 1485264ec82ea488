"""Guarded workers: results arrive whatever the tasks do to their processes."""

import os
import signal
import time

import pytest

from cemnet_jax.preprocess.guarded import Failed, Guard, guarded_map


def work(task, beat):
  """Returns task * 2, or dies, hangs or beats slowly."""
  if task == 'die':
    os.kill(os.getpid(), signal.SIGSEGV)
  if task == 'leave':
    os._exit(3)
  if task == 'hang':
    time.sleep(1000)
  if task == 'slow':
    for _ in range(6):
      time.sleep(0.5)
      beat()
  return task * 2


@pytest.mark.parametrize('processes', [1, 2])
def test_bad_tasks_fail_and_all_others_arrive(processes):
  tasks = [1, 2, 'die', 3, 'hang', 'slow', 'leave', 4]
  out = dict(guarded_map(work, tasks, processes, limit_s=2.0))
  assert sorted(out) == list(range(8))
  assert [out[i] for i in (0, 1, 3, 5, 7)] == [2, 4, 6, 'slowslow', 8]
  assert out[2] == Failed('the process that read it died (SIGSEGV)')
  assert out[4] == Failed('gave no sign of life for 2 s')
  assert out[6] == Failed('the process that read it died (exit code 3)')


def test_the_first_task_of_a_process_has_no_more_time_than_others():
  assert dict(guarded_map(work, ['hang', 1], 1, limit_s=1.0)) == {
    0: Failed('gave no sign of life for 1 s'), 1: 2}


def test_in_this_process_when_none_is_wanted():
  assert list(guarded_map(work, [1, 2], 0)) == [(0, 2), (1, 4)]


def test_nothing_to_do():
  assert list(guarded_map(work, [], 2)) == []


def test_guard_survives_its_process():
  guard = Guard(work)
  assert [guard(1), guard('die'), guard(2)] == [
    2, Failed('the process that read it died (SIGSEGV)'), 4]
  guard.close()
