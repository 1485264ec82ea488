import numpy as np
import pytest

from cemnet_jax.evaluate import summary
from cemnet_jax.evaluate.methods import TRUTH
from cemnet_jax.evaluate.records import Record
from cemnet_jax.evaluate.run import Row
from cemnet_jax.evaluate.summary import Key
from cemnet_jax.metrics.tally import Tally
from tests.evaluate.world import World

NONE = np.zeros((0, 0), np.float16)


def row(method, repetition, scores, case=(9, 11, 0), protocol='cross_emotion', features=NONE,
        taken_for=()):
  scores = {k: v if isinstance(v, tuple) else Tally(v, 1.) for k, v in scores.items()}
  return Row(protocol, 'test', repetition, method, case, False, Record(scores, taken_for, features))


def everything(_):
  return ['']


def test_means_over_clips_then_repetitions_and_their_spread():
  rows = [row('cemnet', 0, {'m_lmd': 2.}), row('cemnet', 0, {'m_lmd': 4.}),
          row('cemnet', 1, {'m_lmd': 5.}),
          row('cemnet', 1, {'m_lmd': Tally(0., 0.)})]  # counts nothing
  value = summary.summarise([rows], everything)[Key('cross_emotion', 'test', '', 'cemnet')]['m_lmd']
  assert value.mean == 4 and value.count == 1.5
  assert value.spread == pytest.approx(np.std([3, 5], ddof=1))


def test_sums_and_counts_weigh_frames_not_clips():
  rows = [row('cemnet', 0, {'psnr': Tally(60., 2.)}), row('cemnet', 0, {'psnr': Tally(120., 6.)})]
  found = summary.summarise([rows], everything)[Key('cross_emotion', 'test', '', 'cemnet')]
  assert found['psnr'].mean == pytest.approx(180 / 8)
  assert found['drawn'].mean == 2 and found['clips'].mean == 2
  assert np.isnan(found['psnr'].spread)


def test_several_seeds_spread_over_seeds():
  runs = [[row('cemnet', r, {'m_lmd': value + r}) for r in (0, 1)] for value in (1., 2., 6.)]
  value = summary.summarise(runs, everything)[Key('cross_emotion', 'test', '', 'cemnet')]['m_lmd']
  assert value.mean == 3.5
  assert value.spread == pytest.approx(np.std([1.5, 2.5, 6.5], ddof=1))


def test_relations_to_the_real_clips_are_made_within_a_repetition():
  rows = []
  for repetition, (real, made) in enumerate([(.8, .4), (.5, .4)]):
    rows += [row(TRUTH, repetition, {'ea': real, 'lse_c': 6.}),
             row('cemnet', repetition, {'ea': made, 'lse_c': 7.})]
  found = summary.summarise([rows], everything)[Key('cross_emotion', 'test', '', 'cemnet')]
  assert found['ea_relative'].mean == pytest.approx((.5 + .8) / 2)
  assert found['lse_c_distance'].mean == 1


def test_fid_pools_all_clips_of_a_repetition():
  rng = np.random.default_rng(0)
  real = rng.normal(size=(4, 50, 3)).astype(np.float16)
  rows = [row(m, 0, {}, features=x + shift) for m, shift in ((TRUTH, 0), ('cemnet', 2))
          for x in real]
  found = summary.summarise([rows], everything)
  assert found[Key('cross_emotion', 'test', '', TRUTH)]['fid'].mean == pytest.approx(0, abs=1e-4)
  fid = found[Key('cross_emotion', 'test', '', 'cemnet')]['fid']
  assert fid.mean == pytest.approx(12, rel=.01) and fid.count == 200


def test_groups_are_intensities_and_cells():
  world = World()
  groups = summary.groups_of(world)
  case = (10, 11, 0)  # angry in sentence 1; happy in sentence 0
  assert groups(row('cemnet', 0, {}, case)) == ['']
  assert groups(row('cemnet', 0, {}, case, 'intensity')) == ['level 2']
  assert groups(row('cemnet', 0, {}, case, 'matrix')) == ['', 'happy>angry']


def test_confusions_add_clips_by_their_emotion():
  world = World()
  shares = (0.,) * 4 + (1.,) + (0.,) * 3
  rows = [row('cemnet', 0, {}, (10, 11, 0), taken_for=shares), row('cemnet', 0, {})]
  table = summary.confusions(rows, lambda protocol: world)['cross_emotion', 'test', 'cemnet']
  assert table[0, 4] == 1 and table.sum() == 1
