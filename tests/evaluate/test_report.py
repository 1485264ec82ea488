"""A whole evaluation of a tiny untrained system on the debug worlds, as a folder."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import evaluation, report
from cemnet_jax.evaluate.run import Settings
from cemnet_jax.train import chain, ckpt
from tests.evaluate.tiny_scorers import save_scorers
from tests.infer.tiny_system import save_system

SETTINGS = Settings(tuple(report.TITLES), ('test',), repetitions=2, references=2, clips=3,
                    cell_clips=1, drawn=1, raw_size=48, raw_clips=1)

UNFINISHED = ('ebm', 'emotion_scorer')


@pytest.fixture(scope='module')
def places(tmp_path_factory, debug_data):
  system = save_scorers(save_system(tmp_path_factory.mktemp('system')))
  for stage in system.iterdir():
    if stage.is_dir() and stage.name not in UNFINISHED:
      ckpt.write_json(stage / ckpt.DONE, {})
  return evaluation.Places([system], debug_data, 'synth_mead/mead_debug', 'synth_mead/lrs_debug')


@pytest.fixture(scope='module')
def written(places, tmp_path_factory):
  out = tmp_path_factory.mktemp('evaluation')
  found = evaluation.evaluate(places, SETTINGS, out / report.RECORDS)
  report.write_report(out, 'A tiny system', found, say=lambda line: None)
  return out, found


def test_all_numbers_are_written(written):
  out, found = written
  numbers = json.loads((out / 'results.json').read_text())
  assert set(numbers['tables']) > {'cross_emotion/test/cemnet', 'lrs/test/ground_truth',
                                   'intensity/test/level 3/a2m_renderer',
                                   'matrix/test/angry>happy/cemnet'}
  cross = numbers['tables']['cross_emotion/test/cemnet']
  assert {'m_lmd', 'm_lmd_seen', 'ea_lower', 'csim', 'fid', 'psnr_region', 'jitter'} <= set(cross)
  assert numbers['datasets'] == {name: Clips(found.clips['mead'].data_dir, name).identity()[name]
                                 for name in ('synth_mead/mead_debug', 'synth_mead/lrs_debug')}
  assert len(numbers['fingerprint']) == 16 and numbers['source']['sources']
  assert numbers['scorers']['identity_scorer']['split'] == 'test'
  assert 'ebm_no_aee' in numbers['not_measured']['cemnet_no_aee']
  assert numbers['settings']['repetitions'] == 2
  assert len(numbers['ea_lower_per_class']['cross_emotion/test/cemnet']) == 8
  clips = [c for c in numbers['clips']
           if (c['protocol'], c['method']) == ('cross_emotion', 'cemnet')]
  assert len(clips) == 2 * 3 and all(c['emotion'] != c['reference_emotion'] for c in clips)
  total = sum(c['scores']['m_lmd'][0] for c in clips) / len(clips)
  assert total == pytest.approx(cross['m_lmd']['mean'])


def test_whole_pictures_are_compared_at_their_own_size(written):
  out, found = written
  numbers = json.loads((out / 'results.json').read_text())['raw_size']
  assert set(numbers) == {f'test/{who}/{resolution}' for who in ('cemnet', 'oracle_landmarks')
                          for resolution in ('native', 'net')}
  one = numbers['test/cemnet/native']
  assert 5 < one['psnr_region'] < one['psnr'] < 60 and 0 < one['sharpness'] < 3
  assert 'Whole pictures of 48 px' in (out / 'results.md').read_text()


def test_stages_still_in_training_are_named(written, places):
  folders = [str(places.systems[0] / stage) for stage in UNFINISHED]
  assert json.loads((written[0] / 'results.json').read_text())['unfinished'] == folders
  line = f'Stages whose training has not ended: {", ".join(folders)}.'
  assert line in (written[0] / 'results.md').read_text()


def test_tables_name_what_was_not_measured(written):
  text = (written[0] / 'results.md').read_text()
  row = next(line for line in text.splitlines() if line.startswith('| cemnet_no_aee |'))
  assert set(row.split(' | ')[1:]) == {'not measured', 'not measured |'}
  assert '### unseen speakers: main metrics (3 clips, 1 as pictures)' in text
  assert '| scorer | figure | value |' in text
  for title in report.TITLES.values():
    assert f'## {title}' in text


def test_the_page_shows_files_that_are_there(written):
  out, _ = written

  class Links(HTMLParser):
    found = []

    def handle_starttag(self, tag, attributes):
      self.found += [v for k, v in attributes if k in ('src', 'href') and not v.startswith('#')]

  Links().feed((out / 'index.html').read_text())
  kinds = {Path(link).suffix for link in Links.found}
  assert kinds == {'.png', '.mp4'}
  assert all((out / link).is_file() for link in Links.found)
  assert any('matrix_test_m_lmd' in link for link in Links.found)
  assert any('worst_test' in link for link in Links.found)


def test_a_second_run_measures_nothing_and_writes_the_same(written, places, monkeypatch, tmp_path):
  out, found = written
  before = {name: (out / name).read_bytes() for name in ('results.json', 'results.md')}
  monkeypatch.setattr(evaluation.Judge, 'measure', None)
  again = evaluation.evaluate(places, SETTINGS, out / report.RECORDS)
  report.write_report(out, 'A tiny system', again, say=lambda line: None)
  assert {name: (out / name).read_bytes() for name in before} == before


class Stopped(Exception):
  """Measuring began."""


def test_other_weights_are_measured_anew_and_it_is_said(written, places, tmp_path, monkeypatch):
  def run(clips, methods, judge, records, settings):
    assert not list(records._folder.glob('*/*.npz'))
    raise Stopped

  other, said = save_system(tmp_path / 'other'), []
  config = json.loads((other / 'ebm/config.json').read_text())
  ckpt.write_json(other / 'ebm/config.json', {**config, 'seed': 1})
  monkeypatch.setattr(evaluation.running, 'run', run)
  with pytest.raises(Stopped):
    evaluation.evaluate(places._replace(systems=[other]), SETTINGS, written[0] / report.RECORDS,
                        said.append)
  assert said[0].endswith('was measured with another scorers, weights; all is measured anew')


def test_stages_of_another_build_or_that_know_the_speakers_are_refused(places, tmp_path):
  system = shutil.copytree(places.systems[0], tmp_path / 'system')
  asked = places._replace(systems=[system]), SETTINGS, None
  chain.begin(system / 'ebm', {'dataset.synth_mead/mead_debug': '1.1.0 0123'}, set())
  with pytest.raises(UserError, match='ebm was trained on another build of the dataset'):
    evaluation.evaluate(*asked)
  chain.begin(system / 'ebm', {'dataset.synth_mead/other': '1.1.0 0123'}, {'synth_mead/0004'})
  with pytest.raises(UserError, match='ebm was trained on 1 of the test speakers .synth_mead/0004'):
    evaluation.evaluate(*asked)


def test_datasets_are_those_of_the_stages(places, tmp_path):
  system = places.systems[0]
  assert evaluation.default_datasets(system, None, None) == (
    'synth_mead/mead_debug', 'synth_mead/lrs_debug')
  assert evaluation.default_datasets(system, 'mead/front', 'lrs2/main') == (
    'mead/front', 'lrs2/main')
  with pytest.raises(UserError, match='give --dataset NAME'):
    evaluation.default_datasets(tmp_path, None, None)
