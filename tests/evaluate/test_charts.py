import cv2
import numpy as np

from cemnet_jax.evaluate import charts


def draw(path, **style):
  with charts.chart(path, 2, 1) as figure:
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], **charts.look(0))
    axes.set_title('a title', **style)
  return path.read_bytes()


def test_same_numbers_same_bytes_whatever_the_machine_prefers(tmp_path):
  import matplotlib
  first = draw(tmp_path / 'a.png')
  assert draw(tmp_path / 'b.png', color='red') != first
  with matplotlib.rc_context({'font.size': 20, 'axes.facecolor': 'black', 'savefig.dpi': 7}):
    assert draw(tmp_path / 'c.png') == first
    assert matplotlib.rcParams['font.size'] == 20
  assert cv2.imread(str(tmp_path / 'a.png')).shape == (charts.DPI, 2 * charts.DPI, 3)
  assert b'tEXt' not in first and b'tIME' not in first
  assert sorted(p.name for p in tmp_path.iterdir()) == ['a.png', 'b.png', 'c.png']


def test_looks_differ():
  looks = {tuple(charts.look(n).values()) for n in range(64)}
  assert len(looks) == 64
  assert len({charts.look(n)['color'] for n in range(8)}) == 8
  assert len({charts.look(n)['marker'] for n in range(8)}) == 8


def test_ink_reads_on_every_colour():
  for colour in np.random.default_rng(0).random((200, 3)):
    linear = np.where(colour <= .04045, colour / 12.92, ((colour + .055) / 1.055) ** 2.4)
    luminance = linear @ [.2126, .7152, .0722]
    ratio = {'black': (luminance + .05) / .05, 'white': 1.05 / (luminance + .05)}
    assert ratio[charts.ink(colour)] == max(ratio.values()) > 4.5
