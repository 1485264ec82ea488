"""Cases measured on a tiny world: perfect methods score perfectly, wrong ones do not."""

import numpy as np
import pytest

from cemnet_jax.evaluate import cases, measure, summary
from cemnet_jax.evaluate import run as running
from cemnet_jax.evaluate.measure import Judge
from cemnet_jax.evaluate.methods import COPY, ORACLE, TRUTH, Method
from cemnet_jax.evaluate.records import Records
from cemnet_jax.evaluate.run import Settings
from cemnet_jax.evaluate.scorers import Scorers
from cemnet_jax.evaluate.stable import fit_classifier, stable_content
from cemnet_jax.evaluate.summary import Key
from cemnet_jax.infer import paste
from cemnet_jax.metrics import tally
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, STABLE
from tests.evaluate.world import SIZE, World


def content(clip, references=(None,)):
  return np.stack([clip['landmarks'][:, CONTENT].astype(np.float32) for _ in references])


def pictures(clip, references, mouth, frames):
  return np.stack([decode_jpeg(clip['frames'][f]) for f in frames])


def copied(clip, references):
  return np.stack([np.repeat(some.landmarks[:1, CONTENT], len(clip['frames']), 0)
                   for some in references])


METHODS = [Method(TRUTH, content, pictures, alike=True), Method(COPY, copied),
           Method(ORACLE, content, lambda *args: 255 - pictures(*args)),
           Method('cemnet', lambda clip, some: content(clip, some) + np.float32(3 / 256)),
           Method('wav2lip', None, pictures)]
PROTOCOLS = 'neutral_base', 'cross_emotion', 'ablation'
SETTINGS = Settings(PROTOCOLS, ('test',), repetitions=2, drawn=3)


@pytest.fixture(scope='module')
def world():
  return World()


@pytest.fixture(scope='module')
def judge(world):
  return Judge(world, Scorers(), fit_classifier(world))


@pytest.fixture(scope='module')
def rows(world, judge):
  return running.run(world, METHODS, judge, None, SETTINGS)


def test_scores_of_perfect_and_of_wrong_methods(world, rows):
  merged = summary.summarise([rows], summary.groups_of(world))
  scores = {name: merged[Key('cross_emotion', 'test', '', name)]
            for name in (TRUTH, COPY, ORACLE, 'cemnet', 'wav2lip')}
  real = scores[TRUTH]
  assert real['m_lmd'].mean == real['f_lmd'].mean == 0 and real['ea_landmarks'].mean == 1
  assert real['psnr'].mean == pytest.approx(80) and real['ssim_region'].mean == pytest.approx(1)
  assert real['offset_ms'].mean == pytest.approx(0, abs=1e-6)
  shifted = scores['cemnet']
  assert shifted['m_lmd'].mean == pytest.approx(0, abs=1e-3)
  assert shifted['m_lmd_plain'].mean == pytest.approx(3 * 2 ** .5, abs=.01)
  assert shifted['f_lmd'].mean == pytest.approx(3 * 2 ** .5 * 57 / 131, abs=.01)
  assert 'psnr' not in shifted
  assert scores[COPY]['ea_landmarks'].mean == 0 and scores[COPY]['jitter'].mean == 0
  assert scores[ORACLE]['psnr'].mean < 12 and scores[ORACLE]['drawn'].mean == 3
  assert 'm_lmd' not in scores['wav2lip'] and scores['wav2lip']['psnr'].mean == pytest.approx(80)
  assert ('ablation', 'wav2lip') not in {(k.protocol, k.method) for k in merged}


def test_the_region_is_the_same_for_all_methods_and_holds_no_true_pixels(world, judge):
  case = cases.draw_cases(world, 'test', 'cross_emotion', 0)[0]
  known = world[case.driving]['landmarks'].astype(np.float32)
  region = np.stack([paste.pasted_region(points, SIZE) for points in known])
  assert region.any() and not region[:, :SIZE // 2].any()

  def spoilt(where):
    def render(*arguments):
      made = pictures(*arguments)
      return np.where(where[..., None], 255 - made, made)
    [found] = judge.measure(*judge.questions([[case]]), Method('cemnet', None, render), [True])
    return found.scores

  beside, inside = spoilt(~region), spoilt(region)
  assert tally.mean(beside['psnr_region']) == pytest.approx(80) and tally.mean(beside['psnr']) < 15
  assert tally.mean(inside['psnr_region']) < 15 < tally.mean(inside['psnr'])


def test_every_case_is_measured_once(world, judge, rows):
  cross, ablation = ([r for r in rows if r.protocol == p and r.method == 'cemnet']
                     for p in ('cross_emotion', 'ablation'))
  assert len(cross) == len(ablation) == 2 * len(world.ranges['test'])
  assert all(a.case == b.case and a.record is b.record for a, b in zip(cross, ablation))


def test_methods_are_asked_about_the_very_same_clip_and_references(world, judge):
  seen = []

  def predict(clip, references):
    seen.append((clip, references))
    return content(clip, references)

  methods = [Method(name, predict) for name in ('a2m_renderer', 'cemnet')]
  running.run(world, methods, judge, None, Settings(('cross_emotion',), ('test',), clips=3))
  assert len(seen) > 4
  pairs = {(id(clip), id(references)) for clip, references in seen}
  assert len(pairs) == len(seen) / 2


def test_repetitions_measure_and_draw_the_same_clips(world, judge):
  settings = Settings(('cross_emotion', 'matrix'), ('test',), repetitions=3, clips=4, drawn=2,
                      cell_clips=1, cell_drawn=1)
  rows = running.run(world, METHODS[:1], judge, None, settings)
  for protocol in settings.protocols:
    for drawn in (True, False):
      clips = [sorted(row.case[0] for row in rows if (row.protocol, row.repetition) == (protocol, r)
                      and (row.drawn or not drawn)) for r in range(3)]
      assert clips[0] and clips[0] == clips[1] == clips[2]
  whom = [{row.case[1] for row in rows if row.repetition == r} for r in range(3)]
  assert whom[0] != whom[1] or whom[1] != whom[2]


def test_a_driving_clip_is_read_once_for_all_its_cases(judge):
  class Anew(World):
    def __getitem__(self, i):
      return dict(super().__getitem__(i))

  world, seen = Anew(), {}

  def predict(clip, references):
    seen.setdefault(clip['audio'].tobytes(), []).append(clip)
    return content(clip, references)

  fresh = Judge(world, Scorers(), judge._classifier)
  methods = [Method(name, predict) for name in ('a2m_renderer', 'cemnet', 'cemnet_no_ebm')]
  settings = Settings(('neutral_base', 'cross_emotion', 'ablation'), ('test',), 3, clips=2)
  running.run(world, methods, fresh, None, settings)
  assert len(seen) == 2 and max(len(clips) for clips in seen.values()) > 3  # in several groups
  assert all(clip is clips[0] for clips in seen.values() for clip in clips)


def test_the_matrix_draws_as_many_of_each_cell(world, judge):
  method = METHODS[0]
  for count in (0, 1):
    settings = Settings(('matrix',), ('test',), repetitions=1, cell_clips=2, cell_drawn=count)
    drawn = [row.case for row in running.run(world, [method], judge, None, settings) if row.drawn]
    emotion = world.table['emotion']
    assert len(drawn) == count * len({(emotion[reference], emotion[driving])
                                      for driving, reference, _ in drawn})
    assert bool(drawn) == bool(count)


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_rows(world, judge, rows, tmp_path):
  asked = []

  def counting(method):
    def predict(clip, references):
      asked.append(method.name)
      return method.predict(clip, references)
    return method._replace(predict=predict if method.predict else None)

  class Stop(Exception):
    pass

  def stopping(clip, references):
    if len(asked) > 20:
      raise Stop
    return content(clip, references)

  methods = [counting(m) for m in METHODS]
  broken = [m if m.name != 'cemnet' else m._replace(predict=stopping) for m in methods]
  with pytest.raises(Stop):
    running.run(world, broken, judge, Records(tmp_path, {}), SETTINGS)
  before = len(asked)
  again = running.run(world, METHODS, judge, Records(tmp_path, {}), SETTINGS)
  assert [r[:6] for r in again] == [r[:6] for r in rows]
  known = [r for r in zip(again, rows) if r[0].method != 'cemnet']
  assert all(a.record.scores == b.record.scores for a, b in known)
  fewer = running.run(world, METHODS, judge, Records(tmp_path, {}), SETTINGS._replace(drawn=1))
  anew = running.run(world, METHODS, judge, None, SETTINGS._replace(drawn=1))
  # The records of cemnet are those of the broken one.
  assert all(a.record.scores == b.record.scores
             for a, b in zip(fewer, anew, strict=True) if a.method != 'cemnet')
  asked.clear()
  third = running.run(world, methods, judge, Records(tmp_path, {}), SETTINGS)
  assert before > 0 and not asked
  assert [r.record.scores for r in third] == [r.record.scores for r in again]


def test_cases_together_score_as_one_by_one(world, judge):
  some = [c for r in range(3) for c in cases.draw_cases(world, 'test', 'cross_emotion', 0, 1, r)]
  rng = np.random.default_rng(0)
  moves = {case.seed: .02 * rng.normal(size=(57, 2)).astype(np.float32) for case in some}
  [question] = judge.questions([some])
  seeds = {id(references): case.seed for case, references in zip(some, question.references)}
  method = Method('cemnet', lambda clip, asked: np.stack(
    [content(clip)[0] + moves[seeds[id(references)]] for references in asked]))
  together = judge.measure(question, method, [False] * 3)
  for place, case in enumerate(some):
    one = question._replace(cases=[case], references=question.references[place:place + 1])
    [single] = judge.measure(one, method, [False])
    assert single.scores.keys() == together[place].scores.keys()
    for name, score in single.scores.items():
      assert together[place].scores[name] == pytest.approx(score, rel=1e-6), name
  assert len({record.scores['m_lmd'] for record in together}) == 3


def test_the_real_clip_is_looked_at_once(world, judge, monkeypatch):
  looked = []
  monkeypatch.setattr(measure, 'image_scores', lambda *a: looked.append(1) or {'psnr': (80., 1.)})
  some = [c for r in range(3) for c in cases.draw_cases(world, 'test', 'cross_emotion', 0, 1, r)]
  fresh = measure.Judge(world, Scorers(), fit_classifier(world))
  for _ in range(2):
    fresh.measure(*fresh.questions([some]), METHODS[0], [True] * 3)
  assert len(looked) == 1


def test_shuffled_pairs_score_worse(world, judge):
  clips = [world[i] for i in world.ranges['test']][::2]  # of one length
  wrong = {id(clip): content(other) for clip, other in zip(clips, clips[1:] + clips[:1])}
  method = Method('cemnet', lambda clip, references: wrong[id(clip)])
  drawn = cases.draw_cases(world, 'test', 'cross_emotion', 0)[::2]
  scores = [judge.measure(*judge.questions([[case]]), method, [False])[0].scores for case in drawn]
  assert all(s['m_lmd'].total > .5 for s in scores)
  assert tally.mean(tally.merge([s['ea_landmarks'] for s in scores])) < 1


def test_stable_content_takes_the_head_out(world):
  clip = world[world.ranges['test'][0]]
  landmarks = clip['landmarks'].astype(np.float32)
  turned = landmarks @ np.float32([[.96, .28], [-.28, .96]]) * 1.3 + .1
  a, b = stable_content([landmarks[:, CONTENT], turned[:, CONTENT]], [landmarks, turned])
  np.testing.assert_allclose(a, b, atol=2e-3)
  assert np.abs(landmarks[:, STABLE] - turned[:, STABLE]).max() > .05
