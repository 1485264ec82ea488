"""Markdown tables of the benchmarks."""


def line(*cells: str) -> str:
  """A row; a bar in a cell would end it, so it becomes a slash."""
  return f'| {" | ".join(cell.replace("|", "/") for cell in cells)} |'


def rule(columns: int) -> str:
  """The line between head and rows."""
  return line(*['---'] * columns)
