"""Pairs read back: what an `aee` example holds, and that pairs belong to their clips."""

import json
import shutil

import numpy as np
import pytest

from cemnet_jax.data.pairs import Pairs
from cemnet_jax.data.pipeline import open_clips
from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import audio
from tests.data.helpers import batches, config

MEAD = 'synth_mead/mead_debug'


@pytest.fixture(scope='module')
def clips(debug_data):
  return open_clips(str(debug_data), MEAD)[0]


def warped_by_loops(row, clips, e, t, c):
  """The clip on its canonical's time axis, by the definition of the stored path."""
  flat = 4 * e + 2 * t + c
  start = int(row['path_lengths'][:flat].sum())
  path = row['paths'][start:start + row['path_lengths'][flat]]
  track = audio.mfcc_track(clips[row['clips'][e, t, c]]['audio'])
  canonical = audio.mfcc_track(clips[row['canonical'][c]]['audio'])
  assert tuple(path[0]) == (0, 0) and tuple(path[-1]) == (len(canonical) - 1, len(track) - 1)
  return np.stack([track[path[path[:, 0] == m, 1]].astype(np.float64).mean(0)
                   for m in range(len(canonical))])


def test_aee_windows_come_from_the_aligned_clips(debug_data, clips):
  rows = Pairs(debug_data, 'aee', clips).rows['train']
  by_clips = {tuple(row['clips'].flat): row for row in rows}
  item = batches(config('aee', emotion_windows=3), debug_data)[0]
  for b in range(2):
    row = by_clips[tuple(item['clip'][b].flat)]
    starts = {0: set(), 1: set()}
    for e, t, c in np.ndindex(2, 2, 2):
      warped = warped_by_loops(row, clips, e, t, c)
      windows = np.stack([warped[s:s + 28] for s in range(0, len(warped) - 27, 4)])
      gap = np.abs(windows - item['mfcc'][b, e, t, c]).max((1, 2))
      assert gap.min() < 1e-4
      starts[c].add(int(gap.argmin()))
      clip = clips[row['clips'][e, t, c]]
      assert clip['emotion'] == item['emotion'][b, e]
      assert clip['speaker_index'] == item['speaker'][b, t]
      spoken = audio.mfcc_windows_from(audio.mfcc_track(clip['audio']), len(clip['audio']) // 640)
      near = np.abs(spoken - item['natural'][b, e, t, c][:, None]).max((2, 3))
      assert near.min(1).max() < 1e-4
      parts = near.argmin(1) * len(near) / len(spoken)  # one window of each equal part
      assert (np.abs(parts - np.arange(len(near)) - 0.5) < 1).all()
    assert [len(s) for s in starts.values()] == [1, 1]  # the clips of a content share the window
  assert (item['emotion'][:, 0] != item['emotion'][:, 1]).all()
  assert (item['speaker'][:, 0] != item['speaker'][:, 1]).all()
  assert item['mask'].all()


def test_missing_clips_are_masked(debug_data, clips):
  from cemnet_jax.data import pairs
  row = dict(Pairs(debug_data, 'aee', clips).rows['train'][0])
  paths = np.split(row['paths'], np.cumsum(row['path_lengths'])[:-1])
  paths[3] = np.zeros((0, 2), np.int16)
  row['clips'] = row['clips'].copy()
  row['clips'][0, 1, 1] = -1
  row['paths'], row['path_lengths'] = np.concatenate(paths), np.array([len(p) for p in paths])
  _, features = open_clips(str(debug_data), MEAD)
  item = pairs.aee(clips, features, config('aee', emotion_windows=2), row, np.random.default_rng(0))
  assert item['mask'].sum() == 7 and item['mask'][0, 1, 1] == 0
  for name in ('mfcc', 'natural'):
    assert not item[name][0, 1, 1].any() and item[name][1, 1, 1].any()


def test_pairs_of_other_clips_are_refused_though_counts_and_versions_agree(debug_data, tmp_path):
  for folder in ('pairs', MEAD):
    shutil.copytree(debug_data / folder, tmp_path / folder)
  Pairs(tmp_path, 'aee', Clips(tmp_path, MEAD))
  file = tmp_path / MEAD / '2.0.0/metadata.json'
  file.write_text(json.dumps(json.loads(file.read_text()) | {'digest': 64 * '7'}))
  with pytest.raises(UserError, match='was made for other clips .*is 2.0.0 7777777777777777.*anew'):
    Pairs(tmp_path, 'aee', Clips(tmp_path, MEAD))


def test_pairs_that_do_not_say_what_they_were_made_for_are_refused(debug_data, tmp_path, clips):
  shutil.copytree(debug_data / 'pairs', tmp_path / 'pairs')
  file = tmp_path / 'pairs/aee-synth_mead-mead_debug/1.2.0/metadata.json'
  metadata = json.loads(file.read_text())
  del metadata['clips_digest']
  file.write_text(json.dumps(metadata))
  with pytest.raises(UserError, match='it does not say'):
    Pairs(tmp_path, 'aee', clips)
