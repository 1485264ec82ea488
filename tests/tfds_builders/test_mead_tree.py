"""MEAD's tree of empty files: pairs of video and sound, and everything that can be out of place."""

import pytest

from cemnet_jax.errors import UserError
from tfds_builders.mead.tree import Take, list_mead, list_mead_audio, take_of


def touch(root, *files):
  for file in files:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).touch()


def test_sound_is_shared_by_the_views(tmp_path):
  touch(tmp_path,
        'W009/video/front/happy/level_2/007.mp4', 'W009/video/top/happy/level_2/007.mp4',
        'W009/audio/happy/level_2/007.m4a', 'M030/video/front/neutral/level_1/001.mp4',
        'M030/audio/neutral/level_1/001.m4a')
  front, problems = list_mead(tmp_path)
  assert problems == []
  assert [(e.file, e.speaker, e.emotion, e.intensity, e.audio) for e in front] == [
    ('M030/video/front/neutral/level_1/001.mp4', 'M030', 'neutral', 1,
     'M030/audio/neutral/level_1/001.m4a'),
    ('W009/video/front/happy/level_2/007.mp4', 'W009', 'happy', 2,
     'W009/audio/happy/level_2/007.m4a')]
  both, _ = list_mead(tmp_path, ('top', 'front'))
  assert len(both) == 3 and len({e.audio for e in both}) == 2
  assert {take_of(e) for e in both[1:]} == {Take('W009', 'happy', 2, '007')}


def test_other_endings_and_a_video_without_sound(tmp_path):
  touch(tmp_path,
        'M003/video/front/Sad/Level_1/001.MP4', 'M003/audio/sad/level_1/001.WAV',
        'M003/video/front/sad/level_1/002.mov')
  (first, second), problems = list_mead(tmp_path)
  assert problems == []
  assert first.audio == 'M003/audio/sad/level_1/001.WAV' and first.emotion == 'sad'
  assert second.audio == ''


def test_files_out_of_place_are_reported(tmp_path):
  front = 'M003/video/front'
  reasons = {
    'M003/audio/angry/level_3/002.m4a': 'no video of it in front',
    'M003/audio/angry/level_3/001.wav': '001.m4a is the same take',
    f'{front}/bored/level_1/001.mp4': "emotion 'bored'",
    f'{front}/angry/level_4/001.mp4': 'level_4 is none of',
    f'{front}/angry/lvl/001.mp4': 'lvl is none of',
    f'{front}/neutral/level_2/001.mp4': 'neutral has level_1 only',
    f'{front}/angry/level_3/1.mp4': 'not named by three digits',
    f'{front}/angry/level_3/001 (copy).mp4': 'not named by three digits',
    f'{front}/angry/level_3/001.mkv': '001.mp4 is the same take',
    f'{front}/angry/level_3/notes.txt': 'ending',
    f'{front}/angry/001.mp4': 'EMOTION/level_K',
    f'{front}/angry/level_3/more/001.mp4': 'EMOTION/level_K'}
  touch(tmp_path, *reasons, f'{front}/angry/level_3/001.mp4', 'M003/audio/angry/level_3/001.m4a',
        f'{front}/angry/level_3/._001.mp4', f'{front}/.cache/x/001.mp4', '.DS_Store', 'readme.md')
  entries, problems = list_mead(tmp_path)
  assert [e.file for e in entries] == [f'{front}/angry/level_3/001.mp4']
  assert [file for file, _ in problems] == sorted(reasons)
  for file, reason in problems:
    assert reasons[file] in reason and '\n' not in reason


def test_audio_only(tmp_path):
  touch(tmp_path, 'M003/audio/fear/level_3/011.m4a', 'W009/audio/neutral/level_1/040.m4a',
        'M003/audio/fear/level_3/.011.m4a.part', 'W009/audio/neutral/level_1/x.m4a')
  entries, problems = list_mead_audio(tmp_path)
  assert [(e.file, e.audio, e.speaker, e.intensity) for e in entries] == [
    ('M003/audio/fear/level_3/011.m4a', 'M003/audio/fear/level_3/011.m4a', 'M003', 3),
    ('W009/audio/neutral/level_1/040.m4a', 'W009/audio/neutral/level_1/040.m4a', 'W009', 1)]
  assert [file for file, _ in problems] == ['W009/audio/neutral/level_1/x.m4a']


@pytest.mark.parametrize('listing', [list_mead, list_mead_audio])
def test_nothing_there(tmp_path, listing):
  with pytest.raises(UserError, match='no such folder'):
    listing(tmp_path / 'missing')
  (tmp_path / 'M003' / 'pictures').mkdir(parents=True)
  with pytest.raises(UserError, match='expected ACTOR/video/front/EMOTION/level_K/001.mp4'):
    listing(tmp_path)


@pytest.mark.parametrize('views', [('side',), ()])
def test_unknown_view(tmp_path, views):
  with pytest.raises(UserError, match='choose of front, left_30'):
    list_mead(tmp_path, views)
