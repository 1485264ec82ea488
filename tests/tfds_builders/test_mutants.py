"""One odd or broken file of each kind: the build survives, and says what it did with it."""

import pytest

from tests.tfds_builders.mutants import EITHER, MUTANTS, USED, build_over, make_mutants


@pytest.mark.slow
def test_every_kind_is_used_or_reported(tmp_path):
  made = make_mutants(tmp_path / 'raw', len(MUTANTS), seed=1)
  report = build_over(tmp_path / 'raw', tmp_path / 'data')
  assert report.keys() == made.keys() and len(made) == len(MUTANTS)
  for file, mutant in made.items():
    row = report[file]
    assert row['reason'] or int(row['clips']), (mutant.kind, row)
    if mutant.expected != EITHER:
      assert (int(row['clips']) > 0) == (mutant.expected == USED), (mutant.kind, row)
