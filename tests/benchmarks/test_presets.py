"""The documented differences of the presets are those of the configs."""

import pytest

from benchmarks import presets
from configs.common import OURS


def test_the_documented_tables_are_those_of_the_configs():
  text = presets.DOCUMENT.read_text()
  assert text == presets.written(text), 'make them anew: python -m benchmarks.presets'
  assert presets.tables().count('\n| ') > 100


def test_every_difference_is_named_once():
  found = presets.differing(('paper', 'full'))
  rows = [(stage, field) for (field, _), stages in found.items() for stage in stages]
  assert len(rows) == len(set(rows))
  for stage in presets.stage_names():
    ours, papers = (presets.fields(stage, preset) for preset in ('full', 'paper'))
    assert ours.keys() == papers.keys()
    named = {field for name, field in rows if name == stage}
    assert named == {field for field in ours if ours[field] != papers[field]}


def test_worlds_of_two_sizes_are_the_same_data_and_other_data_is_not():
  fields = {field for field, _ in presets.differing(('benchmark', 'quickstart'))}
  assert 'data.dataset' not in fields and 'steps' in fields
  assert ('data.dataset', ('`lrs+mead`', '`lrs+mead`', '`lrs+mead`', '`lrs`')) in (
    presets.differing(OURS))


def test_a_difference_without_a_reason_is_no_table(monkeypatch):
  monkeypatch.delitem(presets.PAPER, 'model.skip')
  with pytest.raises(ValueError, match='model.skip of renderer differs between presets: say why'):
    presets.tables()
