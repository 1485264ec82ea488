"""Tables on a terminal."""

import sys
from collections.abc import Iterable

PIPE_WIDTH = 160  # characters where the output is no terminal


def show(tables: Iterable) -> None:
  """Prints `data.card.Table`s; cells are text as it is: no markup, no colours for numbers."""
  from rich import box
  from rich.console import Console
  from rich.table import Table
  console = Console(markup=False, highlight=False, emoji=False,
                    width=None if sys.stdout.isatty() else PIPE_WIDTH)
  for table in tables:
    shown = Table(*table.columns, title=table.title, title_justify='left', box=box.SIMPLE_HEAD)
    for row in table.rows:
      shown.add_row(*row)
    console.print(shown)
