"""`cemnet demo`: pictures and videos of drawn speakers whom nothing was trained on."""

import cv2
import numpy as np

from cemnet_jax import cli
from cemnet_jax.commands import demo
from cemnet_jax.preprocess.synthetic.world import WORLDS
from cemnet_jax.preprocess.video import read_video
from cemnet_jax.topology import EMOTIONS


def test_three_videos_from_nothing(tmp_path, monkeypatch, capsys):
  monkeypatch.setattr(demo, 'SIZE', 96)
  out = tmp_path / 'demo'
  assert cli.main(['demo', '--out', str(out)]) == 0
  lines = capsys.readouterr().out.splitlines()
  assert lines[0] == 'loading the system' and len(lines) == 2 + len(demo.CONFLICTS)
  for number, (shown, heard) in enumerate(demo.CONFLICTS, start=1):
    assert f'picture_{number}.png, {shown}, hears {heard}' in lines[1 + number]
    picture = cv2.imread(str(out / f'picture_{number}.png'))[..., ::-1].astype(float)
    film = read_video(out / f'talk_{number}.mp4')
    assert film.frames.shape[1:] == (96, 96, 3) and len(film.frames) > 30
    assert np.abs(film.audio).max() > .05
    # The upper face is the picture's, the mouth moves.
    assert np.abs(film.frames[:, :40] - picture[:40]).mean() < 6
    assert film.frames[:, 48:].astype(float).std(0).max() > 15


def test_no_world_has_the_speakers_and_the_emotions_conflict():
  speakers = range(demo.FIRST_SPEAKER, demo.FIRST_SPEAKER + len(demo.CONFLICTS))
  for world in WORLDS.values():
    assert not set(speakers) & set(world.speaker_indices())
  assert all(shown != heard and {shown, heard} <= set(EMOTIONS) for shown, heard in demo.CONFLICTS)


def test_a_file_in_the_way_is_one_line(tmp_path, capsys):
  (tmp_path / 'demo').touch()
  assert cli.main(['demo', '--out', str(tmp_path / 'demo')]) == 2
  assert capsys.readouterr().err.count('\n') == 1
