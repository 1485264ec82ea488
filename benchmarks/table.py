"""Markdown tables of the benchmarks."""

from collections.abc import Iterable
from pathlib import Path


def line(*cells: str) -> str:
  """A row; a bar in a cell would end it, so it becomes a slash."""
  return f'| {" | ".join(cell.replace("|", "/") for cell in cells)} |'


def rule(columns: int) -> str:
  """The line between head and rows."""
  return line(*['---'] * columns)


def emit(lines: Iterable[str], out: Path | None) -> None:
  """Prints lines as they come, and writes them to `out` in the end."""
  kept = []
  for text in lines:
    print(text, flush=True)
    kept.append(text)
  if out:
    out.write_text('\n'.join(kept) + '\n')
