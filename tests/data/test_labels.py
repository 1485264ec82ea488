"""Clips of unknown emotion, speakers who are no people: how they are read, left out, refused."""

import json
import shutil

import numpy as np
import pytest
from ml_collections import ConfigDict

from cemnet_jax import train_system
from cemnet_jax.data import labels
from cemnet_jax.data.card import dataset_card
from cemnet_jax.data.pipeline import make_dataset
from cemnet_jax.data.source import Clips
from cemnet_jax.data.verify import verify_clips
from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS, LABELS, NEUTRAL, UNKNOWN
from cemnet_jax.train import ckpt
from tests.tfds_builders.media_files import blob_detector, make_video
from tfds_builders import clip_schema
from tfds_builders.clip_folder.clip_folder_dataset_builder import Builder, FolderConfig
from tfds_builders.lrs2.lrs2_dataset_builder import Builder as Lrs2
from tfds_builders.media import builder
from tfds_builders.media.builder import build_media

MINE = 'clip_folder/mine'


def build(data, root):
  return build_media(Builder, data, FolderConfig(
    name='mine', root=str(root), size=32, open_detector=blob_detector, processes=0))


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
  """A folder of a neutral clip and one that nobody labelled of each speaker."""
  root = tmp_path_factory.mktemp('raw')
  for speaker in ('ann', 'bob', 'cem', 'dora'):
    make_video(root / speaker / 'neutral' / 'one.mp4')
    make_video(root / speaker / 'two.mp4')
  return root


@pytest.fixture(scope='module')
def built(videos, tmp_path_factory):
  """Data with `clip_folder/mine` of these videos."""
  data = tmp_path_factory.mktemp('data')
  build(data, videos)
  return data


@pytest.fixture
def before(videos, tmp_path, monkeypatch):
  """The same as it was built before: eight labels, `neutral` for want of any; its folder."""
  with monkeypatch.context() as patch:
    patch.setattr(clip_schema, 'LABELS', EMOTIONS)
    patch.setattr(builder, 'UNKNOWN', NEUTRAL)
    folder = build(tmp_path, videos)
  change(folder, speakers_are_people=None)
  return folder


def change(folder, **values):
  """Changes metadata; None takes a value out."""
  file = folder / 'metadata.json'
  metadata = json.loads(file.read_text()) | values
  file.write_text(json.dumps({k: v for k, v in metadata.items() if v is not None}))
  (folder / 'index.npz').unlink(missing_ok=True)


def test_a_clip_without_a_label_is_of_unknown_emotion(built):
  table = Clips(built, MINE).table
  said = np.char.find(table['id'], 'two') >= 0
  assert said.sum() == 4 and len(said) == 8
  assert (table['emotion'][said] == UNKNOWN).all()
  assert (table['emotion'][~said] == NEUTRAL).all()
  assert LABELS == (*EMOTIONS, 'unknown') and UNKNOWN == 8


def test_a_card_and_verify_say_unknown(built):
  tables = {table.title: table for table in dataset_card(Clips(built, MINE))}
  assert tables['Clips by emotion'].columns[-2:] == ('neutral', 'unknown')
  assert dict(tables['Dataset'].rows)['emotion unknown'] == 'in 4 clips'
  report = verify_clips(built, MINE)
  assert report.size.endswith(', 4 clips of unknown emotion')
  assert not [p for p in report.problems if 'emotion' in p]


def data_config(kind, labels=(), dataset=MINE):
  return ConfigDict(dict(dataset=dataset, kind=kind, image_size=32, labels=labels))


def clips_of(cfg, data, split='train'):
  dataset = make_dataset(cfg, data, split, seed=0, batch_size=1, train=False)
  return sorted(int(dataset[i]['clip'][0]) for i in range(len(dataset)))


def test_stages_that_need_emotions_leave_unknown_clips_out(built):
  clips = Clips(built, MINE)
  known = [i for i in clips.ranges['train'] if clips.table['emotion'][i] != UNKNOWN]
  for kind in ('face', 'voice'):
    assert clips_of(data_config(kind, ('emotion',)), built) == known
    assert clips_of(data_config(kind), built) == list(clips.ranges['train'])
  assert len(known) < len(clips.ranges['train'])


def test_rows_of_pairs_are_left_out_with_their_clips():
  class Three:
    """Of the third clip nobody knows the emotion."""
    table = {'emotion': np.array([NEUTRAL, NEUTRAL, UNKNOWN])}

  pairs = [(0, 1), (0, 2), (2, 1)]
  eights = [{'clips': np.array([0, 1, -1])}, {'clips': np.array([0, 2])}]
  assert labels.known_rows(Three, ('emotion',), pairs) == [(0, 1)]
  assert labels.known_rows(Three, ('emotion',), eights) == eights[:1]
  assert labels.known_rows(Three, (), pairs + eights) == pairs + eights


def test_datasets_of_before_are_read_and_their_invented_neutral_is_unknown(before):
  data = before.parents[2]
  assert (Clips(data, MINE).table['emotion'] == UNKNOWN).all()
  assert (Clips(data, MINE).table['emotion'] == UNKNOWN).all(), 'from the cached table too'
  assert Clips(data, MINE)[0]['emotion'] == UNKNOWN
  assert not [p for p in verify_clips(data, MINE).problems if 'emotion' in p]
  change(before, files_without_emotion_label=0)
  clips = Clips(data, MINE)
  assert len(clips) == 8 and (clips.table['emotion'] == NEUTRAL).all()
  assert clips[0]['emotion'] == NEUTRAL


def test_a_dataset_without_labels_is_refused_where_they_are_needed(before):
  data = before.parents[2]
  for kind in ('face', 'voice'):
    with pytest.raises(UserError, match=f'{MINE} labels no emotions, which this stage learns to '
                                        'tell: .*--labels.*data.dataset'):
      make_dataset(data_config(kind, ('emotion',)), data, 'train', seed=0, batch_size=1,
                   train=True)
    assert len(clips_of(data_config(kind), data)) > 0


def test_speakers_who_are_no_people_are_refused_as_classes(built, before):
  assert Lrs2.SPEAKERS_ARE_PEOPLE is False
  data, lrs2 = before.parents[2], 'lrs2/mine'
  shutil.copytree(before.parents[1], data / 'lrs2')
  assert Clips(built, MINE).without_people == Clips(data, MINE).without_people == []
  assert Clips(data, lrs2).without_people == [lrs2], 'which datasets of before do not say'
  assert Clips(data, f'{MINE}+{lrs2}').without_people == [lrs2]
  cfg = data_config('face', ('speaker',), f'{MINE}+lrs2/mine')
  with pytest.raises(UserError, match=r'lrs2/mine: its speakers are .*, not people.*import-weights '
                                      r'identity.*--set STAGE.data.dataset=mead/front'):
    make_dataset(cfg, data, 'train', seed=0, batch_size=1, train=True)
  assert clips_of(data_config('face', ('speaker',)), data) == list(
    Clips(data, MINE).ranges['train'])


def test_a_system_is_refused_before_its_first_stage(before, tmp_path, monkeypatch):
  data, lrs2 = before.parents[2], 'lrs2/mine'
  shutil.copytree(before.parents[1], data / 'lrs2')
  trained = []
  monkeypatch.setattr(train_system, 'train_stage', lambda cfg, *a, **kw: trained.append(cfg.stage))
  with pytest.raises(UserError, match='mine labels no emotions, which image_emotion learns'):
    train_system.train_system('a2m_renderer', 'debug', data, tmp_path, lrs=lrs2, mead=MINE)
  with pytest.raises(UserError, match=f'{lrs2}: .*, whom identity_scorer learns to tell apart'):
    train_system.train_system('scorers', 'debug', data, tmp_path, lrs=lrs2, mead=lrs2,
                              changes=('emotion_scorer.data.labels=()',))
  assert not trained
  done = tmp_path / 'image_emotion'
  done.mkdir()
  for name, value in ((ckpt.DONE, {'imported': {}}), (ckpt.CONFIG, {'data': {}, 'imported': {}})):
    ckpt.write_json(done / name, value)
  train_system.train_system('a2m_renderer', 'debug', data, tmp_path, lrs=lrs2, mead=MINE)
  assert trained == ['audio2mouth', 'image_emotion', 'renderer']
