from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from cemnet_jax.evaluate import page
from cemnet_jax.evaluate.page import Figure, Numbers, Section, Table, Text, Video

VOID = {'meta', 'img', 'link', 'br'}


class Reader(HTMLParser):
  """Checks that tags nest, and keeps what is linked, named and said."""

  def __init__(self):
    super().__init__()
    self.open, self.links, self.ids, self.tags, self.text = [], [], [], [], ''
    self.bold = []

  def handle_starttag(self, tag, attributes):
    attributes = dict(attributes)
    self.tags.append((tag, attributes))
    self.links += [attributes[k] for k in ('href', 'src') if k in attributes]
    self.ids += [attributes['id']] if 'id' in attributes else []
    if tag not in VOID:
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    if self.open and self.open[-1] == 'b':
      self.bold.append(data)
    if 'style' not in self.open:
      self.text += data


def read(text):
  reader = Reader()
  reader.feed(text)
  reader.close()
  assert not reader.open
  return reader


SECTIONS = [
  Section('What & why', [Text('One <b>.\n\nTwo.'), Numbers('a  1\nb  <2>')]),
  Section('Scores', [Table(('method', 'M-LMD', 'EA %'),
                           (('ground truth', '0.00', '90.0'), ('cem<net>', '2.00', '80.0')),
                           'Lower is better.', {(1, 1), (0, 2)})]),
  Section('Scores', [Figure('maps/a map.png', 'A "map".'), Video('talk_1.mp4', 'One'),
                     Video('talk_2.mp4'), Text('Between.'), Video('talk 3.mp4', alone=True)])]


def test_all_texts_are_escaped_and_kept():
  text = page.render_page('A <title>', 'Intro & more.\n\nAgain.', SECTIONS)
  seen = read(text)
  for said in ('A <title>', 'Intro & more.', 'One <b>.', 'a  1\nb  <2>', 'cem<net>', 'What & why',
               'A "map".', 'Lower is better.'):
    assert said in seen.text
  paragraphs = [tag for tag, _ in seen.tags].count('p')
  assert paragraphs == 2 + 2 + 1
  assert seen.bold == ['90.0', '2.00']
  assert text == page.render_page('A <title>', 'Intro & more.\n\nAgain.', SECTIONS)


def test_everything_linked_is_there_and_nothing_comes_from_elsewhere(tmp_path):
  files = ['maps/a map.png', 'talk_1.mp4', 'talk_2.mp4', 'talk 3.mp4']
  for name in files:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b'x')
  path = tmp_path / 'index.html'
  page.write_page(path, 'title', '', SECTIONS)
  text = path.read_text(encoding='utf-8')
  seen = read(text)
  inside = [link[1:] for link in seen.links if link.startswith('#')]
  assert inside == ['what-why', 'scores', 'scores-2'] == seen.ids
  outside = [link for link in seen.links if not link.startswith('#')]
  assert all((tmp_path / unquote(link)).is_file() for link in outside)
  assert {unquote(link) for link in outside} == set(files)
  assert '://' not in text and '<script' not in text and '@import' not in text
  assert sorted(p.name for p in tmp_path.iterdir()) == [
    'index.html', 'maps', 'talk 3.mp4', 'talk_1.mp4', 'talk_2.mp4']


def test_videos_wait_until_asked_and_share_rows():
  seen = read(page.render_page('t', '', SECTIONS))
  videos = [attributes for tag, attributes in seen.tags if tag == 'video']
  assert len(videos) == 3
  assert all('controls' in v and v['preload'] == 'metadata' for v in videos)
  grids = [a for tag, a in seen.tags if tag == 'div' and a['class'] == 'videos']
  assert len(grids) == 2
  assert [a['class'] for tag, a in seen.tags if tag == 'figure' and 'class' in a] == [
    'table', 'alone']


@pytest.mark.parametrize('tag, count', [('table', 1), ('th', 3 + 2), ('td', 4), ('tr', 3)])
def test_a_table_has_all_its_cells(tag, count):
  seen = read(page.render_page('t', '', SECTIONS))
  assert [name for name, _ in seen.tags].count(tag) == count
  scopes = [a['scope'] for name, a in seen.tags if name == 'th']
  assert scopes == ['col'] * 3 + ['row'] * 2


def test_a_page_may_be_empty():
  seen = read(page.render_page('t', '', []))
  assert 't' in seen.text and not seen.links
