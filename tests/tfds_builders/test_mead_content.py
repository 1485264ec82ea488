"""Labels of content: from transcripts, or from tracks of invented sentences."""

import csv
import wave

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from tests.tfds_builders import spoken
from tfds_builders.mead.content import ContentRow, label_content, read_track, write_content
from tfds_builders.mead.tree import list_mead, take_of
from tfds_builders.media.entry import Entry

FEW = [Entry(f'{actor}/video/{view}/{emotion}/level_{level}/{number}.mp4', actor, emotion, level,
             audio=f'{actor}/audio/{emotion}/level_{level}/{number}.m4a')
       for actor in ('M003', 'W009') for emotion, level in (('neutral', 1), ('sad', 1), ('sad', 2))
       for number in ('001', '002') for view in ('front', 'top')]


def label(tmp_path, text):
  (tmp_path / 'said.csv').write_text(text)
  return label_content(tmp_path, FEW, tmp_path / 'said.csv')


def test_transcripts_by_number(tmp_path):
  labelled, rows = label(tmp_path, 'actor,emotion,number,transcript\n'
                         'M003,Sadness,001,"Hello, World!"\nW009,neutral,1,hello world\n')
  assert [e.file for e in labelled] == [r.file for r in rows] == [e.file for e in FEW]
  said = {e.file: e.transcript for e in labelled if e.transcript}
  assert set(said.values()) == {'hello world'} and len(said) == 2 * (2 + 1)  # two views
  assert all(e.sentence == e.transcript for e in labelled)
  for row in rows:
    expected = ('hello world', 1.0, 'transcript') if row.file in said else ('', 0, 'no transcript')
    assert row[1:] == expected


def test_transcripts_by_level_and_by_file(tmp_path):
  by_level, _ = label(tmp_path, 'actor,emotion,level,number,transcript\n'
                      'M003,sad,level_2,002,one\nM003,sad,1,002,two\n')
  assert [e.transcript for e in by_level if e.speaker == 'M003' and e.file.endswith('002.mp4')] == [
    '', '', 'two', 'two', 'one', 'one']
  by_file, _ = label(tmp_path, 'file,transcript\nM003/video/top/sad/level_1/001.mp4,one\n'
                     'W009/audio/sad/level_2/002.m4a,two\n')
  assert [take_of(e)[0] + take_of(e)[3] for e in by_file if e.transcript] == [
    'M003001', 'M003001', 'W009002', 'W009002'], 'all views'


@pytest.mark.parametrize('text,message', [
  ('file,words\n', 'needs the columns'), ('actor,number,transcript\n', 'needs the columns'),
  ('file,transcript\n', 'names none of the 24 clips'),
  ('file,transcript\nx.mp4,hello\n', 'names none of the 24 clips'),
  ('file,transcript\nx.mp4,\n', 'line 2: .* holds no word'),
  ('file,transcript\nx.mp4,take 5\n', 'line 2: .* digits'),
  ('file,transcript\nx.mp4,a\nx.mp4,b\n', "line 3: says 'b' of a clip that said 'a'"),
  ('actor,emotion,number,transcript\nM003,bored,1,a\n', "line 2: emotion 'bored'"),
  ('actor,emotion,number,transcript\nM003,sad,one,a\n', 'line 2: expected an actor'),
  ('actor,emotion,level,number,transcript\nM003,sad,4,1,a\n', 'line 2: expected an actor'),
  ('actor,emotion,level,number,transcript\nM003,sad,,1,a\nM003,sad,1,1,b\n', "'a' and 'b'")])
def test_bad_transcripts(tmp_path, text, message):
  with pytest.raises(UserError, match=message):
    label(tmp_path, text)


def test_unreadable_transcripts(tmp_path):
  with pytest.raises(UserError, match='cannot be read'):
    label_content(tmp_path, FEW, tmp_path / 'missing.csv')
  (tmp_path / 'latin.csv').write_bytes('file,transcript\nx.mp4,caf\xe9\n'.encode('latin-1'))
  with pytest.raises(UserError, match='UTF-8'):
    label_content(tmp_path, FEW, tmp_path / 'latin.csv')


EMOTIONS = ('angry', 'happy', 'neutral', 'sad')
SHARED, OWN = 3, 8


def sentence_of(take):
  """Number of what is said: the first SHARED are said with all emotions, the others with one."""
  number = int(take.number)
  return number if number < SHARED else number + OWN * EMOTIONS.index(take.emotion)


def load(root, entry):
  take = take_of(entry)
  if take.number == '005' and take.emotion == 'sad':
    raise UserError(f'{root / entry.audio}: is empty')
  return spoken.say(sentence_of(take), int(take.speaker[1:]), EMOTIONS.index(take.emotion))


def touch_sounds(root, actors):
  for actor in actors:
    for emotion in EMOTIONS:
      for number in range(SHARED + OWN):
        path = root / actor / 'audio' / emotion / 'level_1' / f'{number:03d}.m4a'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_by_sound_with_all_sound_of_the_tree(tmp_path):
  touch_sounds(tmp_path, ('M003', 'W009'))
  for file in ('M003/video/front/angry/level_1/001.mp4', 'M003/video/top/angry/level_1/001.mp4',
               'W009/video/front/happy/level_1/001.mp4', 'W009/video/front/happy/level_1/002.mp4',
               'W009/video/front/sad/level_1/005.mp4', 'W009/video/front/sad/level_1/099.mp4'):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
  entries, _ = list_mead(tmp_path, ('front', 'top'))
  labelled, rows = label_content(tmp_path, entries, load_track=load)
  assert [r.file for r in rows] == [e.file for e in entries]
  sentences = [e.sentence for e in labelled]
  assert sentences[0] == sentences[1] == sentences[2] != sentences[3]
  assert all(s.startswith('group') for s in sentences[:4])
  assert [r.how for r in rows[:5]] == ['sound'] * 4 + ['is empty']
  assert sentences[4:] == ['', ''] and rows[5].how == 'no sure match'
  assert not any(e.transcript for e in labelled)
  some, _ = label_content(tmp_path, entries[2:3], load_track=load)
  assert some[0].sentence == sentences[2], 'the same label whichever clips are asked for'


def test_no_sound_at_all(tmp_path):
  entries = [Entry('M003/video/front/sad/level_1/005.mp4', 'M003', 'sad', 1)]
  labelled, rows = label_content(tmp_path, entries)
  assert labelled[0].sentence == '' and 'no such file' in rows[0].how


def test_rows_as_csv(tmp_path):
  write_content(tmp_path / 'new' / 'content.csv', [
    ContentRow('a.mp4', 'group0001', 0.51239, 'sound'), ContentRow('b.mp4', '', 0, 'no, none')])
  with (tmp_path / 'new' / 'content.csv').open(newline='') as lines:
    assert list(csv.DictReader(lines)) == [
      {'file': 'a.mp4', 'sentence': 'group0001', 'confidence': '0.512', 'how': 'sound'},
      {'file': 'b.mp4', 'sentence': '', 'confidence': '0.000', 'how': 'no, none'}]
  assert [p.name for p in (tmp_path / 'new').iterdir()] == ['content.csv']


@pytest.mark.parametrize('silence', [0.0, 1.0])
def test_silent_ends_are_cut(tmp_path, silence):
  random = np.random.default_rng(0)
  pcm = random.normal(0, 3000, 16000)
  quiet = random.normal(0, 2, int(16000 * silence))
  with wave.open(str(tmp_path / 'a.wav'), 'wb') as out:
    out.setparams((1, 2, 16000, 0, 'NONE', ''))
    out.writeframes(np.concatenate([quiet, pcm, quiet]).astype('<i2').tobytes())
  track = read_track(tmp_path, Entry('x.mp4', 'M003', audio='a.wav'))
  assert track.shape[1] == 12 and abs(len(track) - 100 - (10 if silence else 0)) <= 3
