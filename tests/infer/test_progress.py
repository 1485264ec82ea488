"""The bar says that programs are compiled, stays out of files, and ends its line."""

import io
from contextlib import closing

import numpy as np
import pytest

from cemnet_jax.infer import progress

FRAMES = np.zeros((5, 2, 2, 3), np.uint8)


class Terminal(io.StringIO):
  def isatty(self):
    return True


@pytest.fixture
def terminal(monkeypatch):
  def made(kind):
    stream = kind()
    monkeypatch.setattr('sys.stderr', stream)
    return stream
  return made


def test_it_says_that_it_compiles_until_a_frame_comes(terminal):
  stream = terminal(Terminal)
  frames = progress.with_bar(iter(FRAMES), 5, True)
  assert next(frames) is not None
  before, _, after = stream.getvalue().partition('frames')
  assert 'compiling:   0%' in before and 'compiling' not in after
  assert sum(1 for _ in frames) == 4


@pytest.mark.parametrize('kind,wanted', [(io.StringIO, True), (Terminal, False)])
def test_it_is_not_drawn_into_files_nor_unasked(terminal, kind, wanted):
  stream = terminal(kind)
  assert sum(1 for _ in progress.with_bar(iter(FRAMES), 5, wanted)) == 5
  assert stream.getvalue() == ''


def _broken():
  yield FRAMES[0]
  raise ValueError('in the middle')


def test_what_is_told_next_has_a_line_of_its_own(terminal):
  stream = terminal(Terminal)
  with pytest.raises(ValueError, match='in the middle'):
    list(progress.with_bar(_broken(), 5, True))
  assert stream.getvalue().endswith('\n')
  stream = terminal(Terminal)
  with pytest.raises(KeyError), closing(progress.with_bar(iter(FRAMES), 5, True)) as frames:
    next(frames)
    raise KeyError('of the encoder')
  assert stream.getvalue().endswith('\n')
