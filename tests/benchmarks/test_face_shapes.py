"""The measures of faces, and who lies inside whom."""

import numpy as np
import pytest

from benchmarks.face_shapes import aligned, at_rest, main, measures, portraits, report, within
from cemnet_jax.errors import UserError
from cemnet_jax.topology import STABLE

FACES = at_rest(6)


def test_alignment_takes_out_position_size_and_roll():
  turn = np.array([[np.cos(.3), np.sin(.3)], [-np.sin(.3), np.cos(.3)]])
  moved = 137 * FACES @ turn + [40, -7]
  np.testing.assert_allclose(aligned(moved), aligned(FACES), atol=.02)
  np.testing.assert_allclose(aligned(FACES)[:, STABLE].mean(1), 0, atol=1e-4)


def test_a_measure_follows_its_points_only():
  faces = aligned(FACES)
  wider = faces.copy()
  wider[:, 91, 0] -= 1
  wider[:, 101, 0] += 1
  wider[:, 12, 1] += 3  # the chin
  before, after = measures(faces), measures(wider)
  changed = {n for n in before if np.abs(before[n] - after[n]).max() > 1e-9}
  assert changed == {'mouth width', 'height of the chin point', 'nose to chin'}
  np.testing.assert_allclose(after['mouth width'] - before['mouth width'], 2, atol=.05)
  np.testing.assert_allclose(after['nose to chin'] - before['nose to chin'], 3)


def test_who_lies_inside_a_known_ellipsoid():
  rng = np.random.default_rng(0)
  basis = np.linalg.qr(rng.normal(size=(20, 3)))[0].T
  def faces(count, scale):
    return (rng.normal(size=(count, 3)) * [9, 4, 2] * scale) @ basis
  drawn = faces(4000, 1) + .01 * rng.normal(size=(4000, 20))
  same = within(faces(2000, 1), drawn)
  assert same.components == 3 and abs(same.inside - .95) < .02
  assert abs(same.median_distance - 1.538 / 2.795) < .03  # of chi with 3 degrees of freedom
  assert within(faces(500, 4), drawn).inside < .5
  far = within(faces(500, .5) + 5 * np.linalg.svd(basis)[2][-1], drawn)
  assert far.inside > .99 and far.beside == 0


def test_report_counts_drawn_faces_inside_their_own_range():
  lines = report(at_rest(16)[8:], 16)
  rows = [line for line in lines if line.startswith('| ') and '%' in line][1:]
  assert len(rows) == len(measures(FACES)) and all(row.endswith(' % |') for row in rows)
  shares = [int(row.split('|')[-2].strip(' %')) for row in rows]
  assert np.mean(shares) > 90


def test_no_pictures_is_one_clear_line(tmp_path, capsys):
  with pytest.raises(UserError, match='no pictures'):
    portraits(tmp_path, None)
  (tmp_path / 'a.png').write_bytes(b'not a picture')
  with pytest.raises(UserError, match='not a readable picture'):
    portraits(tmp_path, None)
  missing = str(tmp_path / 'none.task')
  assert main(['--real', str(tmp_path), '--landmarker', missing]) == 2
  assert missing in capsys.readouterr().out
