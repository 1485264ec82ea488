"""A folder of odd videos becomes a clips dataset; bad files are skipped with the reason."""

import csv
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cemnet_jax import files
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import encode, sound, video
from cemnet_jax.preprocess.crop import decode_jpeg
from tests.preprocess.media import write_wav
from tests.tfds_builders.media_files import FACE_PX, TEMPLATE, blob_detector, make_video
from tfds_builders.clip_folder.clip_folder_dataset_builder import Builder, FolderConfig
from tfds_builders.clip_folder.listing import list_entries
from tfds_builders.media.builder import SCRATCH, build_media
from tfds_builders.media.clips import MAX_FRAMES, cut
from tfds_builders.media.entry import Entry
from tfds_builders.media.splits import Clip, speaker_order, split_clips


def config(root, **fields):
  return FolderConfig(name='mine', root=str(root), size=32, open_detector=blob_detector,
                      processes=0, **fields)


def test_folder_to_records(tmp_path):
  root = tmp_path / 'raw'
  for speaker in ('ann', 'bob', 'cem', 'dora'):
    make_video(root / speaker / 'happiness' / 'one.mp4')
  make_video(root / 'ann' / 'sad' / 'long.mp4', seconds=6.4)
  make_video(root / 'ann' / 'mute.mp4', sound=False)
  make_video(root / 'bob' / 'gone.mp4', dark=range(30))
  (root / 'bob' / 'broken.mp4').write_bytes(b'not a video at all')
  (root / 'cem' / 'empty.mp4').touch()
  with pytest.raises(UserError, match='4 of 9 files'):
    build_media(Builder, tmp_path / 'data', config(root))
  folder = build_media(Builder, tmp_path / 'data', config(root, max_bad=0.5))

  with (folder.parent / 'report.csv').open() as lines:
    report = {row['file']: row for row in csv.DictReader(lines)}
  assert 'no sound track' in report['ann/mute.mp4']['reason']
  assert report['bob/gone.mp4']['reason'] == 'no face found'
  assert 'cannot be decoded' in report['bob/broken.mp4']['reason']
  assert 'empty' in report['cem/empty.mp4']['reason']
  assert report['ann/sad/long.mp4'] == {
    'file': 'ann/sad/long.mp4', 'clips': '2', 'seconds': '6.40', 'reason': ''}
  assert not (folder.parent / SCRATCH).exists()

  builder = tfds.builder_from_directory(folder)
  meta = builder.info.metadata
  assert meta['split_by'] == 'speaker' and meta['skipped'] == 4
  speakers = {}
  for split in ('train', 'val', 'test'):
    for record in builder.as_data_source(split):
      speakers.setdefault(split, set()).add(record['speaker'].decode())
      count = len(record['frames'])
      assert record['landmarks'].shape == (count, 131, 2)
      assert record['audio'].shape == (count * 640,) and np.abs(record['audio']).max() > 3000
      assert decode_jpeg(record['frames'][0]).shape == (32, 32, 3)
      assert meta['speakers'][record['speaker_index']] == record['speaker'].decode()
      assert (record['speaker_index'] < meta['train_speakers']) == (split == 'train')
      centre = TEMPLATE.mean(axis=0) * FACE_PX  # the landmarks follow the square
      box, mid = record['crop_box'], record['landmarks'].astype(np.float32).mean(axis=1)
      raw = mid * (box[:, 2:] - box[:, :2]) + box[:, :2] - centre
      x = 40 + np.arange(count) % 20
      np.testing.assert_allclose(raw[:, 1], 44.5, atol=1.0)
      if b'@' not in record['id']:
        np.testing.assert_allclose(raw[:, 0], x + 14.5, atol=1.5)
  assert not speakers['train'] & speakers['test'] and not speakers['val'] & speakers['test']


def test_labels_csv(tmp_path):
  root = tmp_path / 'raw'
  labels = tmp_path / 'labels.csv'
  rows = ['file,speaker,emotion,transcript,split']
  for name, split in (('a', 'train'), ('b', 'val'), ('c', 'test')):
    make_video(root / f'{name}.mp4')
    rows.append(f'{name}.mp4,s{name},disgust,"Hello, World {name}!",{split}')
  labels.write_text('\n'.join(rows))
  folder = build_media(Builder, tmp_path / 'data', config(root, labels=str(labels)))
  builder = tfds.builder_from_directory(folder)
  record = builder.as_data_source('test')[0]
  assert record['speaker'] == b'sc' and record['transcript'] == b'hello world c'
  assert builder.info.features['emotion'].int2str(record['emotion']) == 'disgusted'
  assert build_media(Builder, tmp_path / 'data', config(root, labels=str(labels))) == folder
  labels.write_text('\n'.join(rows).replace('disgust', 'happy'))
  with pytest.raises(UserError, match='was built from another --labels; take another --name'):
    build_media(Builder, tmp_path / 'data', config(root, labels=str(labels)))
  make_video(root / 'd.mp4')
  with pytest.raises(UserError, match='was built from another --labels, --root; take another'):
    build_media(Builder, tmp_path / 'data', config(root))


@pytest.mark.parametrize('text,message', [
  ('name,speaker\n', 'no column file'),
  ('file,speaker\na.mp4,x\na.mp4,y\n', 'twice'),
  ('file,speaker,emotion\na.mp4,x,bored\n', "emotion 'bored'"),
  ('file,speaker,split\na.mp4,x,dev\n', "split 'dev'"),
  *[(f'file,speaker\n{file},x\n', 'lies outside of --root') for file in (
    '/etc/passwd', '../other/a.mp4', 'a/../../b.mp4', '..')],
  ('file,speaker\n', 'no video file')])
def test_bad_labels(tmp_path, text, message):
  (tmp_path / 'labels.csv').write_text(text)
  with pytest.raises(UserError, match=message):
    list_entries(tmp_path, tmp_path / 'labels.csv')


def test_files_whose_names_are_no_text_are_used_and_reported(tmp_path):
  root, names = tmp_path / 'raw', ('caf\udce9', 'a', 'b')
  for name in names:
    make_video(root / name / 'x:1 \udce9.mp4')
  folder = build_media(Builder, tmp_path / 'data', config(root))
  builder = tfds.builder_from_directory(folder)
  records = [r for split in builder.info.splits for r in builder.as_data_source(split)]
  assert {r['speaker'].decode() for r in records} == {'caf\\udce9', 'a', 'b'}
  assert {r['source'].decode() for r in records} == {
    f'{speaker}/x:1 \\udce9.mp4' for speaker in ('caf\\udce9', 'a', 'b')}
  report = (folder.parent / 'report.csv').read_bytes()
  assert b'caf\xe9/x:1 \xe9.mp4,1,' in report


def test_what_was_decided_about_a_file_is_reported(tmp_path):
  root = tmp_path / 'raw'
  for name in 'abc':
    make_video(root / name / 'x.mp4')
  t = np.arange(32000) / 16000
  tone = np.float32(.3 * np.sin(900 * t))
  write_wav(tmp_path / 'anti.wav', np.stack([tone, -tone], axis=1))
  track = sound.choose_track(tmp_path / 'anti.wav')
  frames = list(video.iterate_frames(root / 'a' / 'x.mp4'))
  encode.write_video(root / 'a' / 'x.mp4', frames,
                     sound.OwnSound(tmp_path / 'anti.wav', track, len(frames) * 640))
  folder = build_media(Builder, tmp_path / 'data', config(root))
  reasons = {row['file']: row['reason']
             for row in csv.DictReader((folder.parent / 'report.csv').open())}
  assert 'opposite phase' in reasons.pop('a/x.mp4') and set(reasons.values()) == {''}


def test_labels_may_name_such_files_and_need_not_be_utf_8(tmp_path):
  (tmp_path / 'labels.csv').write_bytes(b'file,speaker\ncaf\xe9.mp4,Andr\xe9\n')
  (entry,) = list_entries(tmp_path, tmp_path / 'labels.csv')
  assert entry.file == 'caf\udce9.mp4' and entry.speaker == 'Andr\\udce9'


def test_two_builds_of_one_dataset_are_noticed_and_what_a_killed_one_left_goes(tmp_path):
  root = tmp_path / 'raw'
  for name in 'abc':
    make_video(root / name / 'x.mp4')
  parent = tmp_path / 'data' / 'clip_folder' / config(root).name
  left = parent / f'incomplete.ABC123_{Builder.VERSION}'
  left.mkdir(parents=True)
  with files.locked(parent), pytest.raises(UserError, match='works in this folder'):
    build_media(Builder, tmp_path / 'data', config(root))
  build_media(Builder, tmp_path / 'data', config(root))
  assert not left.exists()


def test_missing_folder():
  with pytest.raises(UserError, match='no such folder'):
    list_entries('nowhere/at/all')


def test_cut_keeps_everything_in_equal_clips():
  assert cut([(0, 24)]) == ()
  assert cut([(3, 153)]) == ((3, 153),)
  pieces = cut([(0, 10), (20, 400)])
  assert pieces[0][0] == 20 and pieces[-1][1] == 400
  assert all(a[1] == b[0] for a, b in zip(pieces, pieces[1:]))
  assert all(MAX_FRAMES / 2 < b - a <= MAX_FRAMES for a, b in pieces)


def _clips(speakers, files, pieces=1):
  return [Clip(Entry(f'{s}{f}.mp4', s), '', 100 * p, 100 * p + 50, p, pieces == 1)
          for s in speakers for f in range(files) for p in range(pieces)]


@pytest.mark.parametrize('clips,kind', [
  (_clips('abcdefgh', 2), 'speaker'), (_clips('ab', 5, 2), 'file'), (_clips('a', 1, 9), 'clip')])
def test_splits_are_disjoint_complete_and_stable(clips, kind):
  splits, by = split_clips(clips)
  assert by == kind and all(splits.values())
  assert sorted(c.id for part in splits.values() for c in part) == sorted(c.id for c in clips)
  assert split_clips(clips[::-1])[0]['test'] == splits['test'][::-1]
  speakers, train = speaker_order({s: [c.entry for c in part] for s, part in splits.items()})
  assert set(speakers[:train]) == {c.entry.speaker for c in splits['train']}


def test_too_few_clips():
  with pytest.raises(UserError, match='only 2 usable clips'):
    split_clips(_clips('ab', 1))


def test_no_tensorflow():
  code = ('import sys, tfds_builders.clip_folder.clip_folder_dataset_builder;'
          'print([m for m in ("tensorflow", "mediapipe", "torch", "jax") if m in sys.modules])')
  out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
  assert out.stdout.strip() == '[]', out.stdout
