"""The file of golden steps is whole; the steps themselves are compared in test_stages."""

import json

from tests.stages import golden

KEPT = json.loads(golden.FILE.read_text())


def test_every_stage_has_its_golden_step_and_a_reason():
  assert set(KEPT) == set(golden.NAMES)
  for stage in KEPT.values():
    assert len(stage['reason']) > 10 and 'loss' in stage['step']
    assert any(name.startswith('gradient/') for name in stage['step'])


def test_a_change_is_seen():
  kept = {'loss': 2.0, 'gradient/net': 1e-5}
  assert golden.differences({'loss': 2.001, 'gradient/net': 1.1e-5}, kept) == []
  assert golden.differences({'loss': 2.02, 'gradient/net': 1e-5}, kept) == ['loss: 2.0 -> 2.02']
  assert golden.differences({'loss': 2.0, 'new': 1.0, 'gradient/net': 1e-5}, kept) == [
    'new: None -> 1.0']
