"""The contact sheet of a dataset: who is shown, what is decoded, where points are drawn."""

import numpy as np
import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import clip_sheet
from cemnet_jax.topology import LIPS

MEAD = 'synth_mead/mead_debug'


@pytest.fixture
def clips(debug_data):
  return Clips(debug_data, MEAD)


def test_only_the_frames_that_are_shown_are_decoded(clips, monkeypatch):
  decoded = []
  decode = clip_sheet.decode_jpeg
  monkeypatch.setattr(clip_sheet, 'decode_jpeg', lambda d: decoded.append(d) or decode(d))
  sheet = clip_sheet.clip_sheet(clips, speakers=2, size=40)
  assert sheet.shape == (28 + 2 * (28 + 40) + 8, 8 * 40 + 9 * 8, 3)
  assert len(decoded) == 2 * 8
  frames = [clips[i]['frames'] for i in range(len(clips))]
  assert set(decoded) <= {f[len(f) // 2] for f in frames}


def test_speakers_come_from_all_splits(clips):
  chosen = clip_sheet.choose_speakers(clips, 3)
  assert chosen == [('0000', 'train'), ('0001', 'val'), ('0004', 'test')]
  assert len(clip_sheet.choose_speakers(clips, 9)) == 6


def test_a_missing_clip_leaves_an_empty_cell(clips, monkeypatch):
  table = dict(clips.table)
  gone = (table['speaker'] == '0000') & (table['emotion'] == 0)
  table['num_frames'] = np.where(gone, 0, table['num_frames'])
  monkeypatch.setattr(clips, 'table', table)
  sheet = clip_sheet.clip_sheet(clips, speakers=2, size=40)
  first, second = (sheet[top:top + 40, 8:48] for top in (56, 124))
  assert (first == clip_sheet.EMPTY).all() and np.ptp(second) > 50


def test_the_highest_intensity_is_shown(clips, monkeypatch):
  mine = np.flatnonzero((clips.table['speaker'] == '0004') & (clips.table['emotion'] == 4))
  levels = np.where(np.arange(120) == mine[1], 3, 1)
  monkeypatch.setattr(clips, 'table', {**clips.table, 'intensity': levels})
  shown = []
  monkeypatch.setattr(clip_sheet, '_middle',
                      lambda clip, size: shown.append(clip['id']) or np.zeros((size, size, 3)))
  clip_sheet.clip_sheet(clips)
  assert clips.table['id'][mine[1]] in shown and clips.table['id'][mine[0]] not in shown


def test_sound_alone_has_no_sheet(clips, monkeypatch):
  monkeypatch.setattr(clips, 'table', {**clips.table, 'num_frames': np.zeros(120, int)})
  with pytest.raises(UserError, match='holds no pictures'):
    clip_sheet.clip_sheet(clips)


def test_landmarks_lie_where_they_are():
  points = np.full((131, 2), 0.25)
  points[LIPS] = 0.75
  points[0] = np.nan
  points[1] = np.inf
  drawn = clip_sheet.draw_landmarks(np.zeros((80, 80, 3), np.uint8), points)
  for at in (20, 60):
    assert drawn[at - 1:at + 1, at - 1:at + 1].min(axis=(0, 1))[1] > 50
  drawn[17:23, 17:23] = drawn[57:63, 57:63] = 0
  assert not drawn.any()
