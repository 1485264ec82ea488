"""The build that media datasets share: broken files, resuming, Apache Beam, one record each way."""

import contextlib
import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, video
from cemnet_jax.preprocess.crop import decode_jpeg
from tests.tfds_builders.media_files import TEMPLATE, blob_detector, make_video
from tfds_builders.clip_folder.clip_folder_dataset_builder import Builder, FolderConfig
from tfds_builders.media import clips as media_clips
from tfds_builders.media.builder import SCRATCH, build_media
from tfds_builders.media.clips import Settings, kept_path, load_clip, process_file
from tfds_builders.media.entry import Entry
from tfds_builders.media.run import make_tasks


def config(root, **fields):
  return FolderConfig(name='mine', root=str(root), size=32, open_detector=blob_detector,
                      **{'processes': 0, **fields})


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
  """Five speakers, one broken file, and a CSV that gives every file its split."""
  root = tmp_path_factory.mktemp('raw')
  rows = ['file,speaker,emotion,transcript,split']
  for name, split in zip('abcde', ('train', 'train', 'val', 'test', 'train')):
    make_video(root / name / 'one.mp4')
    rows.append(f'{name}/one.mp4,{name},happy,hello {name},{split}')
  make_video(root / 'a' / 'long.mp4', seconds=6.4)
  (root / 'b' / 'broken.mp4').write_bytes(b'not a video')
  rows += ['a/long.mp4,a,sad,,train', 'b/broken.mp4,b,sad,,train']
  (root / 'labels.csv').write_text('\n'.join(rows))
  return root


def records(folder) -> list[tuple]:
  """All records as comparable values, split by split."""
  builder = tfds.builder_from_directory(folder)
  return [(split, *(value.tobytes() if hasattr(value, 'tobytes') else tuple(value)
                    if isinstance(value, list) else value
                    for _, value in sorted(record.items())))
          for split in sorted(builder.info.splits) for record in builder.as_data_source(split)]


@pytest.fixture(scope='module')
def alone(raw, tmp_path_factory):
  """The dataset built in one process."""
  data = tmp_path_factory.mktemp('alone')
  return build_media(Builder, data, config(raw, labels=str(raw / 'labels.csv')))


def report(folder: Path) -> list[dict]:
  with (folder.parent / 'report.csv').open() as lines:
    return list(csv.DictReader(lines))


@pytest.mark.slow
def test_two_guarded_processes_write_the_same(raw, alone, tmp_path):
  folder = build_media(Builder, tmp_path, config(raw, labels=str(raw / 'labels.csv'), processes=2))
  assert records(folder) == records(alone) and len(records(alone)) == 7
  assert report(folder) == report(alone) and not (folder.parent / SCRATCH).exists()


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec('apache_beam'), reason='needs apache_beam')
def test_beam_writes_the_same(raw, alone, tmp_path):
  folder = build_media(Builder, tmp_path / 'data', beam=('DirectRunner', []), config=config(
    raw, labels=str(raw / 'labels.csv'), beam=True))
  assert records(folder) == records(alone)
  assert report(folder) == report(alone)
  with pytest.raises(UserError, match='1 of 7 files cannot be used'):
    build_media(Builder, tmp_path / 'strict', beam=('DirectRunner', []), config=config(
      raw, labels=str(raw / 'labels.csv'), beam=True, max_bad=0.0))
  assert not list((tmp_path / 'strict').rglob('dataset_info.json'))


def test_beam_needs_splits(raw, tmp_path):
  with pytest.raises(UserError, match='needs a split for every file'):
    build_media(Builder, tmp_path, config(raw, beam=True))


def test_killed_build_goes_on(raw, alone, tmp_path, monkeypatch):
  read, real = [], media_clips.face.video_landmarks

  def dies_at_the_fourth(*given):
    if len(read) == 3:
      raise KeyboardInterrupt
    read.append(1)
    return real(*given)
  monkeypatch.setattr(media_clips.face, 'video_landmarks', dies_at_the_fourth)
  wanted = config(raw, labels=str(raw / 'labels.csv'))
  with pytest.raises(KeyboardInterrupt):
    build_media(Builder, tmp_path, wanted)
  assert not list(tmp_path.rglob('dataset_info.json'))

  def counted(*given):
    read.append(1)
    return real(*given)
  monkeypatch.setattr(media_clips.face, 'video_landmarks', counted)
  folder = build_media(Builder, tmp_path, wanted)
  assert len(read) == 6, 'three files before the kill, three after it'
  assert records(folder) == records(alone)


def test_a_changed_file_or_setting_is_read_again(raw, tmp_path):
  entry, settings = Entry('a/one.mp4', 'a'), Settings(size=32, open_detector=blob_detector)
  path = kept_path(tmp_path, raw, entry, settings)
  assert path == kept_path(tmp_path, raw, entry._replace(emotion='sad'), settings)
  assert path != kept_path(tmp_path, raw, entry, settings._replace(size=48))
  assert path != kept_path(tmp_path, raw, Entry('b/one.mp4', 'a'), settings)
  copy = tmp_path / 'copy'
  make_video(copy / 'a' / 'one.mp4')
  before = kept_path(tmp_path, copy, entry, settings)
  make_video(copy / 'a' / 'one.mp4', seconds=2)
  assert before != kept_path(tmp_path, copy, entry, settings)


def test_sound_of_a_file_of_its_own_and_ready_landmarks(tmp_path):
  make_video(tmp_path / 'v.mp4', seconds=2, sound=False)
  make_video(tmp_path / 's.mp4', seconds=1.6)
  points = np.random.default_rng(0).uniform(20, 80, (1, 131, 2)).repeat(40, 0)
  np.savez(tmp_path / 'v.npz', landmarks=points)
  settings = Settings(size=32, landmarks=str(tmp_path))
  [task] = make_tasks(tmp_path, [Entry('v.mp4', 'x', audio='s.mp4')], settings, tmp_path / 'kept')
  outcome = process_file(task, lambda: None)
  assert outcome.pieces == ((0, 40),) and outcome.reason == '', 'trimmed to the shorter sound'
  clip = load_clip(Path(task.kept), 0)
  assert len(clip['frames']) == 40 and clip['audio'].shape == (40 * 640,)
  raw_points = clip['landmarks'] * np.ptp(clip['crop_box'].reshape(-1, 2, 2), axis=1)[:, None]
  np.testing.assert_allclose(raw_points + clip['crop_box'][:, None, :2], points, atol=0.2)

  [gone] = make_tasks(tmp_path, [Entry('v.mp4', 'x', audio='no.m4a')], settings, tmp_path / 'kept')
  assert 'no such file' in process_file(gone, lambda: None).reason


def test_audio_only(tmp_path):
  make_video(tmp_path / 's.mp4', seconds=2)
  make_video(tmp_path / 'short.mp4', seconds=0.6)
  settings = Settings(audio_only=True)
  task, short = make_tasks(tmp_path, [Entry('s.mp4', 'x', audio='s.mp4'), Entry('short.mp4', 'x')],
                           settings, tmp_path / 'kept')
  assert process_file(task, lambda: None).pieces[0][1] in (50, 51)
  clip = load_clip(Path(task.kept), 0)
  assert clip['frames'] == [] and clip['landmarks'].shape == (0, 131, 2)
  assert clip['audio'].shape[0] % 640 == 0 and np.abs(clip['audio']).max() > 3000
  assert process_file(short, lambda: None).reason == 'lasts under 1 s'


def test_long_videos_are_read_twice_with_the_same_result(raw, tmp_path, monkeypatch):
  settings = Settings(size=32, open_detector=blob_detector)
  kept = []
  for limit in (2**28, 10):
    monkeypatch.setattr(media_clips, 'BUFFER_BYTES', limit)
    [task] = make_tasks(raw, [Entry('a/long.mp4', 'a')], settings, tmp_path / str(limit))
    assert len(process_file(task, lambda: None).pieces) == 2
    kept.append([load_clip(Path(task.kept), n) for n in (0, 1)])
  for a, b in zip(*kept):
    assert a['frames'] == b['frames']
    np.testing.assert_array_equal(a['landmarks'], b['landmarks'])


@contextlib.contextmanager
def scaled_detector():
  """As `blob_detector`, with a face twice as wide as the square, whatever the picture's size."""
  def detect(rgb):
    ys, xs = np.nonzero(rgb[..., 1] > 125)
    return (TEMPLATE * 2 * (np.ptp(xs) + 1) + [xs.mean() + 0.5, ys.mean() + 0.5])[None].astype(
      np.float32)
  yield detect


@pytest.mark.parametrize('ready', [False, True])
def test_a_large_face_is_read_smaller_with_the_same_clip(raw, tmp_path, monkeypatch, ready):
  kept = []
  for side in (32, 1000):  # the face's box is about 80 px wide
    monkeypatch.setattr(media_clips, 'FACE_NET_SIDE', side)
    folder = ''
    if ready:
      folder = str(tmp_path)
      (tmp_path / 'a').mkdir(exist_ok=True)
      with scaled_detector() as detect:
        points = face.video_landmarks(video.iterate_frames(raw / 'a/one.mp4'), detect).landmarks
      np.savez(tmp_path / 'a/one.npz', landmarks=points)
    settings = Settings(size=32, open_detector=scaled_detector, landmarks=folder)
    [task] = make_tasks(raw, [Entry('a/one.mp4', 'a')], settings, tmp_path / str(side))
    assert media_clips._shrink(task, raw / 'a/one.mp4') == (2 if side == 32 else 1)
    assert process_file(task, lambda: None).pieces
    kept.append(load_clip(Path(task.kept), 0))
  small, full = kept
  np.testing.assert_allclose(small['crop_box'], full['crop_box'], atol=2.5)  # of 78 px
  np.testing.assert_allclose(small['landmarks'], full['landmarks'], atol=0.03)
  for a, b in zip(small['frames'], full['frames'], strict=True):
    assert np.abs(decode_jpeg(a).astype(int) - decode_jpeg(b)).mean() < 6


@pytest.mark.parametrize(
  'field,value', [('crop', 'round'), ('mode', 'film'), ('smoothing', 'mean')])
def test_unknown_setting(raw, tmp_path, field, value):
  with pytest.raises(UserError, match=f'{field} is one of .*{value}'):
    build_media(Builder, tmp_path, config(raw, **{field: value}))
