"""Types of command-line arguments: numbers with a range, and names that are not empty."""

import argparse
import math
from collections.abc import Callable

MOST = 2**32 - 1  # of whole numbers without a bound of their own: seeds are 32 bits wide
MOST_PROCESSES = 1024


def integer(least: int, most: int = MOST) -> Callable[[str], int]:
  """A whole number from `least` to `most`."""
  def parse(text: str) -> int:
    try:
      value = int(text)
    except ValueError:
      raise argparse.ArgumentTypeError(f'{text!r} is no whole number') from None
    return _within(text, value, least, most)
  return parse


def number(least: float, most: float) -> Callable[[str], float]:
  """A number from `least` to `most`."""
  def parse(text: str) -> float:
    try:
      value = float(text)
    except ValueError:
      raise argparse.ArgumentTypeError(f'{text!r} is no number') from None
    if math.isnan(value):
      raise argparse.ArgumentTypeError(f'{text!r} is no number')
    return _within(text, value, least, most)
  return parse


def path_name(text: str) -> str:
  """A file or a folder: anything but nothing, which would mean the current folder."""
  if not text.strip('\0'):
    raise argparse.ArgumentTypeError('is empty; give a name')
  if '\0' in text:
    raise argparse.ArgumentTypeError('holds a zero byte, which no name does')
  return text


def _within(text, value, least, most):
  if value < least:
    raise argparse.ArgumentTypeError(f'{text}: at least {least:g} is needed')
  if value > most:
    raise argparse.ArgumentTypeError(f'{text}: at most {most} is possible')
  return value
