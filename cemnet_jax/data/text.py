"""Transcripts -> CTC tokens: blank 0, a-z 1 to 26, space 27, apostrophe 28."""

import numpy as np
from jaxtyping import Int32

BLANK = 0
ALPHABET = "abcdefghijklmnopqrstuvwxyz '"
VOCABULARY = 1 + len(ALPHABET)
_TOKEN = {letter: i + 1 for i, letter in enumerate(ALPHABET)}


def tokens_of(transcript: str) -> Int32[np.ndarray, ' S']:
  """Tokens of a text: lower case, runs of white space as one space, other signs dropped."""
  text = ' '.join(transcript.lower().split())
  return np.array([_TOKEN[letter] for letter in text if letter in _TOKEN], np.int32)


def text_of(tokens) -> str:
  """The text of tokens; blanks vanish."""
  return ''.join(ALPHABET[t - 1] for t in tokens if t != BLANK)
