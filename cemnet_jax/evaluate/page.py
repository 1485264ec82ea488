"""One HTML page that shows an evaluation offline: no script, nothing from elsewhere."""

import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

import jinja2

from cemnet_jax.files import write_text


class Text(NamedTuple):
  """Paragraphs, separated by empty lines."""
  text: str


class Table(NamedTuple):
  """A table; the first cell of each row names the row.

  `best` holds (row, column) of the cells in bold.
  """
  columns: Sequence[str]
  rows: Sequence[Sequence[str]]
  caption: str = ''
  best: Iterable[tuple[int, int]] = ()


class Figure(NamedTuple):
  """A picture; `path` is relative to the page's folder."""
  path: str
  caption: str = ''


class Video(NamedTuple):
  """A video; `path` is relative to the page's folder. Neighbours share rows unless `alone`."""
  path: str
  caption: str = ''
  alone: bool = False


class Numbers(NamedTuple):
  """Text whose spaces and lines stay as they are."""
  text: str


Block = Text | Table | Figure | Video | Numbers


class Section(NamedTuple):
  """A chapter of the page, listed in its table of contents."""
  title: str
  blocks: Sequence[Block]


def write_page(path, title: str, intro: str, sections: Sequence[Section]) -> None:
  """Writes `render_page` as a whole or not at all."""
  write_text(path, render_page(title, intro, sections))


def render_page(title: str, intro: str, sections: Sequence[Section]) -> str:
  """The page's HTML; `intro` is paragraphs. All texts are escaped."""
  anchors = _anchors([section.title for section in sections])
  return _template().render(title=title, intro=Text(intro),
                            sections=list(zip(anchors, sections)))


@functools.cache
def _template():
  """The template beside this file; whatever it is given is escaped."""
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader('cemnet_jax.evaluate', '.'), autoescape=True,
    undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
  environment.filters |= {'link': lambda path: quote(str(path)), 'paragraphs': _paragraphs,
                          'kind': lambda block: type(block).__name__, 'neighbours': _neighbours}
  return environment.get_template('page.html.jinja')


def _anchors(titles):
  """A readable, unique anchor for each title."""
  anchors = []
  for title in titles:
    plain = re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-') or 'section'
    names = itertools.chain([plain], (f'{plain}-{n}' for n in itertools.count(2)))
    anchors.append(next(name for name in names if name not in anchors))
  return anchors


def _paragraphs(block):
  return [p for p in re.split(r'\n\s*\n', block.text.strip()) if p]


def _neighbours(section):
  """(whether they are videos, blocks) of the runs of blocks of one kind."""
  return [(kind is Video, list(blocks)) for kind, blocks in itertools.groupby(section.blocks, type)]
