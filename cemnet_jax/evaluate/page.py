"""One HTML page that shows an evaluation offline: no script, nothing from elsewhere."""

import itertools
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from cemnet_jax.files import write_text

STYLE = """\
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5c636b; --line: #d7dbe0; --back: #fff;
  --shade: #f4f6f8; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a3abb3; --line: #3a4047;
  --back: #16181b; --shade: #202428; --link: #7db8f2; } }
body { margin: 0 auto; padding: 1.5rem 1.2rem 4rem; max-width: 68rem; color: var(--ink);
  background: var(--back); font: 16px/1.55 system-ui, sans-serif; }
h1 { line-height: 1.2; overflow-wrap: anywhere; } h2 { margin-top: 3rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
p { max-width: 46rem; } a { color: var(--link); }
nav ol { columns: 18rem; padding-left: 1.4rem; }
figure { margin: 1.6rem 0; } figcaption { color: var(--soft); font-size: .9rem; max-width: 46rem; }
figure.table figcaption { margin-bottom: .4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; } th:first-child { text-align: left; position: sticky; left: 0;
  background: var(--back); } tbody th { font-weight: 400; min-width: 9rem;
  max-width: 26rem; white-space: normal; }
thead th { border-bottom: 2px solid var(--soft); } tbody tr:hover > * { background: var(--shade); }
img, video { max-width: 100%; height: auto; border-radius: 4px; }
.videos { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
.videos figure { margin: 0; } .videos .alone { grid-column: 1 / -1; } video { width: 100%; }
pre { padding: .8rem 1rem; overflow-x: auto; background: var(--shade); font-size: .85rem; }
"""


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
  contents = '\n'.join(f'<li><a href="#{anchor}">{escape(section.title)}</a></li>'
                       for anchor, section in zip(anchors, sections))
  chapters = '\n'.join(_section(anchor, section) for anchor, section in zip(anchors, sections))
  return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{_text(Text(intro))}
<nav aria-label="Contents">
<ol>
{contents}
</ol>
</nav>
{chapters}
</body>
</html>
"""


def _anchors(titles):
  """A readable, unique anchor for each title."""
  anchors = []
  for title in titles:
    plain = re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-') or 'section'
    names = itertools.chain([plain], (f'{plain}-{n}' for n in itertools.count(2)))
    anchors.append(next(name for name in names if name not in anchors))
  return anchors


def _section(anchor, section):
  parts = []
  for kind, blocks in itertools.groupby(section.blocks, type):
    shown = '\n'.join(RENDER[kind](block) for block in blocks)
    parts.append(f'<div class="videos">\n{shown}\n</div>' if kind is Video else shown)
  body = '\n'.join(parts)
  return f'<section id="{anchor}">\n<h2>{escape(section.title)}</h2>\n{body}\n</section>'


def _text(block):
  paragraphs = re.split(r'\n\s*\n', block.text.strip())
  return '\n'.join(f'<p>{escape(p)}</p>' for p in paragraphs if p)


def _table(block):
  best = set(block.best)
  head = ''.join(f'<th scope="col">{escape(c)}</th>' for c in block.columns)
  rows = []
  for r, row in enumerate(block.rows):
    cells = [f'<b>{escape(c)}</b>' if (r, k) in best else escape(c) for k, c in enumerate(row)]
    rows.append(f'<tr><th scope="row">{cells[0]}</th>'
                + ''.join(f'<td>{c}</td>' for c in cells[1:]) + '</tr>')
  body = '\n'.join(rows)
  return (f'<figure class="table">\n{_caption(block)}<div class="wide" tabindex="0">\n<table>\n'
          f'<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n'
          '</figure>')


def _figure(block):
  link = quote(str(block.path))
  return (f'<figure>\n<a href="{link}"><img src="{link}" alt="{escape(block.caption)}" '
          f'loading="lazy"></a>\n{_caption(block)}</figure>')


def _video(block):
  kind = ' class="alone"' if block.alone else ''
  return (f'<figure{kind}>\n<video src="{quote(str(block.path))}" controls preload="metadata">'
          f'</video>\n{_caption(block)}</figure>')


def _caption(block):
  return f'<figcaption>{escape(block.caption)}</figcaption>\n' if block.caption else ''


def _numbers(block):
  return f'<pre>{escape(block.text)}</pre>'


RENDER = {Text: _text, Table: _table, Figure: _figure, Video: _video, Numbers: _numbers}
