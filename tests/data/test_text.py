"""Tokens of transcripts."""

import numpy as np

from cemnet_jax.data.text import BLANK, VOCABULARY, text_of, tokens_of


def test_alphabet():
  np.testing.assert_array_equal(tokens_of("az'"), [1, 26, 28])
  np.testing.assert_array_equal(tokens_of("a z'"), [1, 27, 26, 28])
  assert VOCABULARY == 29 and BLANK == 0


def test_other_signs_vanish():
  assert text_of(tokens_of("  Don't,\n STOP! 7 ")) == "don't stop "


def test_blanks_vanish():
  assert text_of([0, 8, 0, 9, 0]) == 'hi'
