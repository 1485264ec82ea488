"""Clips whose emotion nobody labelled: asked about by `lrs` alone, and nothing is scored of it."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import report, scorer_accuracy, scorers, tables
from cemnet_jax.evaluate import run as running
from cemnet_jax.evaluate.cases import draw_cases
from cemnet_jax.evaluate.measure import Judge
from cemnet_jax.evaluate.methods import TRUTH, Method
from cemnet_jax.evaluate.stable import fit_classifier
from cemnet_jax.evaluate.summary import Key, groups_of, summarise
from cemnet_jax.evaluate.understanding.embeddings import some_of
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, UNKNOWN
from tests.evaluate.tiny_scorers import save_scorers
from tests.evaluate.world import World

PROTOCOLS = ('neutral_base', 'cross_emotion', 'ablation', 'matrix', 'intensity')


def world_without(unknown) -> World:
  """The tiny world with these of its clips of unknown emotion."""
  world = World()
  for i in unknown:
    world.table['emotion'][i] = world.clips[i]['emotion'] = UNKNOWN
  return world


@pytest.fixture(scope='module')
def world():
  """Every third clip is of unknown emotion."""
  return world_without(range(1, 30, 3))


@pytest.fixture(scope='module')
def unlabelled():
  return world_without(range(30))


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_protocols_about_emotions_leave_them_out(world, unlabelled, protocol):
  emotion = world.table['emotion']
  cases = draw_cases(world, 'test', protocol, 0)
  assert cases and UNKNOWN not in emotion[[i for case in cases for i in case[:2]]]
  with pytest.raises(UserError, match='no clip has a reference.*whose labels tell several'):
    draw_cases(unlabelled, 'test', protocol, 0)


def test_lrs_works_without_labels_and_does_not_measure_emotions(unlabelled, tmp_path):
  looking = scorers.load_scorers(save_scorers(tmp_path))
  methods = [Method(
    TRUTH, lambda clip, references: np.stack(
      [clip['landmarks'][:, CONTENT].astype(np.float32)] * len(references)),
    lambda clip, references, mouth, frames: np.stack([decode_jpeg(clip['frames'][f])
                                                      for f in frames]))]
  rows = running.run(unlabelled, methods, Judge(unlabelled, looking, fit_classifier(unlabelled)),
                     None, running.Settings(('lrs',), ('test',), repetitions=1, clips=2))
  assert len(rows) == 2 and all(row.record.taken_for == () for row in rows)
  merged = summarise([rows], groups_of(unlabelled))
  scores = merged[Key('lrs', 'test', '', TRUTH)]
  assert {'m_lmd', 'psnr', 'csim', 'lse_c', 'm_lmd_seen'} <= scores.keys()
  assert not [name for name in scores if name.startswith('ea')]
  shown = tables.grid(merged, 'lrs', 'test', [TRUTH], ('m_lmd', 'ea', 'ea_lower', 'ea_landmarks'))
  assert shown.rows == [[TRUTH, '0.00', *['not measured'] * 3]]


def test_scorers_of_emotion_learn_and_are_judged_by_labels_alone(world, unlabelled, tmp_path):
  assert fit_classifier(unlabelled) is None
  assert UNKNOWN not in fit_classifier(world).emotions
  looking = scorers.load_scorers(save_scorers(tmp_path, ('emotion_scorer', 'identity_scorer')))
  count = int((world.table['emotion'][list(world.ranges['test'])] != UNKNOWN).sum())
  found = scorer_accuracy.scorer_accuracy(world, looking)
  assert found['emotion_scorer']['clips'] == count < found['identity_scorer']['clips'] == 12
  unlabelled.without_people = ['lrs2/main']
  assert scorer_accuracy.scorer_accuracy(unlabelled, looking) == {}


def test_embeddings_are_of_labelled_clips(world):
  assert UNKNOWN not in world.table['emotion'][some_of(world, 'test', 0)]
  assert UNKNOWN not in world.table['emotion'][some_of(world, 'test', 3)]


def test_rows_of_a_report_say_unknown(unlabelled):
  class Found:
    """An evaluation of one case."""
    clips_of = staticmethod(lambda protocol: unlabelled)
    rows = [[running.Row('lrs', 'test', 0, TRUTH, (9, 9, 0), False,
                         running.Record({}, (), np.zeros((0, 0))))]]

  [row] = report.clip_rows(Found)
  assert row['emotion'] == row['reference_emotion'] == 'unknown'
