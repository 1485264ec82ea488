"""Shares of a step's time, from a trace that is written by hand."""

import gzip
import json

import pytest

from benchmarks.speed import profile

HLO = '''HloModule jit_step
ENTRY %main {
  %conv_general_dilated.2 = f32[1] convolution(%a, %b)
  %transpose_copy_fusion.1 = f32[1] fusion(%a)
  %convert_add_fusion = f32[1] fusion(%a)
  ROOT %reduce.5 = f32[1] fusion(%a)
}'''


def write(folder, *events):
  (folder / 'plugins').mkdir(parents=True)
  found = [{'ph': 'X', 'name': name, 'dur': dur} for name, dur in events]
  (folder / 'plugins/host.trace.json.gz').write_bytes(gzip.compress(json.dumps(
    {'traceEvents': [{'ph': 'M', 'name': 'reduce.5'}, *found]}).encode()))


def test_shares_of_the_whole(tmp_path):
  write(tmp_path / 'a', ('ThunkExecutor::Execute', 100), ('conv_general_dilated.2', 50),
        ('transpose_copy_fusion.1', 5), ('transpose_copy_fusion.1', 5), ('reduce.5', 10),
        ('convert_add_fusion', 20), ('somebody else', 500))
  assert profile.shares(HLO, tmp_path / 'a') == pytest.approx({
    'convolutions': .5, 'products': 0, 'transposes': .1, 'reductions': .1,
    'elementwise and copies': .2, 'rest': .1})
  write(tmp_path / 'b', ('ThunkExecutor::Execute', 100), ('conv_general_dilated.2', 150),
        ('reduce.5', 50))  # in two threads
  assert profile.shares(HLO, tmp_path / 'b')['convolutions'] == .75


def test_a_trace_of_something_else(tmp_path):
  write(tmp_path / 'c', ('ThunkExecutor::Execute', 100))
  with pytest.raises(ValueError, match='no instruction'):
    profile.shares(HLO, tmp_path / 'c')
