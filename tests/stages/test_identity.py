"""Verification of identities compares the pictures of a whole evaluation."""

import numpy as np
import pytest

from cemnet_jax.stages import identity


def unit(x):
  return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_the_nearest_is_sought_in_the_whole_evaluation(monkeypatch):
  rng = np.random.default_rng(0)
  speaker = np.repeat(np.arange(20), [1, *[4] * 18, 7]).astype(np.int32)
  embedding = unit(rng.normal(size=(20, 8))[speaker] + 0.5 * rng.normal(size=(len(speaker), 8)))
  hits = []
  for i in range(1, len(speaker)):  # speaker 0 has one picture: nothing could be right
    others = np.delete(np.arange(len(speaker)), i)
    hits.append(speaker[others[(embedding[others] @ embedding[i]).argmax()]] == speaker[i])
  for block in (identity.BLOCK, 10):
    monkeypatch.setattr(identity, 'BLOCK', block)
    found = identity.nearest_is_same({'embedding': embedding, 'speaker': speaker})
    assert found['nearest_is_same'] == pytest.approx(np.mean(hits))
  assert 0.2 < np.mean(hits) < 1


def test_where_no_person_has_two_pictures_nothing_is_measured():
  rows = {'embedding': np.eye(4, dtype=np.float32), 'speaker': np.arange(4)}
  assert identity.nearest_is_same(rows) == {}


def test_rows_of_one_batch_do_not_make_the_score():
  """Each batch holds one person: within it every nearest is the same, over all none is."""
  rows = [{'embedding': unit(np.float32([[1, 0.1 * i], [i, 1]])), 'speaker': np.full(2, i)}
          for i in range(2)]
  alone = [identity.nearest_is_same(row)['nearest_is_same'] for row in rows]
  together = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
  assert alone == [1, 1] and identity.nearest_is_same(together)['nearest_is_same'] < 1
