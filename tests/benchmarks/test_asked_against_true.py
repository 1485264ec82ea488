"""The comparison of asked and true mouths where it is known what it must say."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import asked_against_true as script
from cemnet_jax.data.source import Clips
from cemnet_jax.infer import references as refs
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, SAMPLES_PER_FRAME

FRAMES, LATE = 60, 2
RANDOM = np.random.default_rng(0)
GAP = np.convolve(RANDOM.uniform(0, 1, FRAMES + 4), np.ones(5) / 5, 'valid')


def face(gap):
  points = np.tile(RANDOM.uniform(0.2, 0.8, (131, 2)), (len(gap), 1, 1))
  points[:, INNER_LIP_TOP] = points[:, INNER_LIP_BOTTOM] - [0, 1] * gap[:, None] * 0.1
  return points.astype(np.float32)


class LateTalker:
  """Asks for half of a known opening, LATE frames after it; with other sound for another one."""

  def __init__(self, own, face_of):
    self.own, self.face = own, face_of

  def plan(self, references, wav, canvas, options):
    assert canvas is references and not options.memory
    gap = np.roll(GAP, LATE) if np.array_equal(wav, self.own) else GAP[::-1] ** 3
    points = self.face.copy()
    points[:, INNER_LIP_TOP] = points[:, INNER_LIP_BOTTOM] - [0, 1] * gap[:, None] * 0.05
    return SimpleNamespace(landmarks=points)


def test_lateness_spread_and_chance_are_found():
  points = face(GAP)
  clip = {'frames': [b''] * FRAMES, 'landmarks': points,
          'audio': RANDOM.integers(-3000, 3000, FRAMES * SAMPLES_PER_FRAME).astype(np.int16)}
  wav, references = script.built(clip)
  np.testing.assert_allclose(refs.crop_landmarks(references), points, atol=1e-6)
  found = script.compare(LateTalker(wav, points), wav, RANDOM.normal(size=999), references)
  values = dict(zip(script.COLUMNS, found, strict=True))
  true, late = mouth_opening(points), np.roll(GAP, LATE)
  assert values['frames'] == FRAMES
  assert values['r'] == pytest.approx(np.corrcoef(late, true)[0, 1], abs=1e-4)
  assert values['late ms'] == pytest.approx(40 * LATE, abs=4)
  assert values['r there'] == pytest.approx(1, abs=1e-3)
  assert values['spread'] == pytest.approx(0.5, abs=0.01)
  assert values['mean'] == pytest.approx(0.5, abs=0.01)
  assert values['chance'] == pytest.approx(np.corrcoef(GAP[::-1] ** 3, true)[0, 1], abs=1e-4)
  energy = np.square(wav.reshape(FRAMES, -1)).mean(axis=1)
  assert values['loudness'] == pytest.approx(np.corrcoef(np.log(energy), true)[0, 1], abs=0.02)


def test_a_built_dataset_is_measured(debug_data, monkeypatch, capsys):
  clips = Clips(str(debug_data), 'synth_mead/lrs_debug')
  known = [clips[i] for i in clips.ranges['train']]

  class True_(LateTalker):
    def __init__(self):
      pass

    def plan(self, references, wav, canvas, options):
      return SimpleNamespace(landmarks=refs.crop_landmarks(references))

  monkeypatch.setattr(script.loading, 'load_mouth', lambda folder: folder)
  monkeypatch.setattr(script, 'Talker', lambda nets: True_())
  monkeypatch.setattr('sys.argv', ['x', '--system-dir', 'WORK', '--data', str(debug_data),
                                   '--dataset', 'synth_mead/lrs_debug', '--split', 'train'])
  script.main()
  lines = capsys.readouterr().out.splitlines()
  assert len(lines) == 1 + len(known) + 2
  for clip, line in zip(known, lines[1:]):
    assert line.split()[:3] == [clip['id'], str(len(clip['frames'])), '1.00']
  assert lines[-1].startswith(f'median of all ({len(known)})')


def test_videos_of_both_folders_are_found(tmp_path):
  for name in ('clips/b.mpg', 'clips/a.mp4', 'ravdess/Actor_01/c.mp4', 'ravdess/Actor_01/d.flac',
               'portraits/e.png'):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
  assert [p.name for p in script.real_videos(tmp_path)] == ['a.mp4', 'b.mpg', 'c.mp4']
