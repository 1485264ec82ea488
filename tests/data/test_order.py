"""Orders of rows: what is evaluated first is of all speakers; sentences kept for choosing."""

from collections import Counter

import numpy as np

from cemnet_jax.data.order import held_out_sentences, spread


def test_every_beginning_is_shared_by_all_speakers():
  counts = [40, 3, 40, 17, *[40] * 32]  # in the order of speakers, as records are
  speakers = [(s,) for s, n in enumerate(counts) for _ in range(n)]
  order = spread(speakers)
  assert sorted(order) == list(range(len(speakers))) and order == spread(speakers)
  for length in (36, 100, 800):
    seen = Counter(speakers[row][0] for row in order[:length])
    assert len(seen) == len(counts)
    full = [n for s, n in seen.items() if counts[s] > n]
    assert max(full) - min(full) <= 1
  # Within a speaker nothing repeats in step with the records: emotions and sentences take turns.
  first = [row for row in order[:500] if speakers[row][0] == 0]
  assert first != sorted(first)


def test_rows_of_two_speakers_show_both():
  rows = [(a, b) for a in range(12) for b in range(a + 1, 12)] * 5
  order = spread(rows)
  assert sorted(order) == list(range(len(rows)))
  assert {s for row in order[:12] for s in rows[row]} == set(range(12))


def test_sentences_are_held_out_by_their_names_alone():
  said = np.array([f'{i % 30:03d}' for i in range(300)])
  held = held_out_sentences(said, 0.1)
  assert len(held) == 3 and held == held_out_sentences(said[::-1], 0.1)
  assert len(held_out_sentences(said[:5], 0.1)) == 1
  assert len(held_out_sentences(said[:2], 0.9)) == 1, 'one is left to train on'
  assert held_out_sentences(said, 0.0) == held_out_sentences(said[:1], 0.5) == set()
