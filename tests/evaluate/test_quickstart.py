import json

import pytest

from cemnet_jax.evaluate import quickstart as show
from cemnet_jax.evaluate.clock import Clock
from cemnet_jax.evaluate.run import Settings
from cemnet_jax.systems import SYSTEMS
from tests.infer.tiny_system import save_system


@pytest.fixture
def clock(tmp_path):
  clock = Clock(tmp_path / 'times.json')
  with clock.part('data'):
    pass
  return clock


def test_report_of_a_finished_run(tmp_path, clock):
  work = tmp_path / 'work'
  for stage in {name for system in show.TRAINED for name in SYSTEMS[system]}:
    (work / stage).mkdir(parents=True)
    done = {'step': 7, 'seconds': 12.3, 'start_up_seconds': 4.5}
    (work / stage / 'done.json').write_text(json.dumps(done))
  measured = {'summary': ['one line'], 'tables': '## Table'}
  text = show.results(measured, clock, work, 'debug')
  assert '| ebm_direct | 7 | 12 | 4 |' in text
  assert '## Table' in text and 'cores of' in text
  assert '| together | 0 |' in text
  lines = show.summary(measured, clock).splitlines()
  assert lines[0] == 'one line' and 'GiB in the main process' in lines[-1]


def test_tables_of_a_tiny_system(tmp_path, debug_data, monkeypatch):
  few = Settings(show.PROTOCOLS, ('test',), repetitions=1, references=2, clips=2, drawn=1, frames=3)
  monkeypatch.setitem(show.SETTINGS, 'debug', few)
  measured, rows = show.evaluate(debug_data, save_system(tmp_path), 'synth_mead/mead_debug',
                                 'synth_mead/lrs_debug', 'debug')
  assert measured['summary'][0].startswith('cross emotion, unseen speakers: M-LMD ')
  lines = measured['tables'].splitlines()
  assert sum(line.startswith('| cemnet |') for line in lines) == 3
  missing = [line for line in lines if line.startswith('| cemnet_no_ebm |')]
  assert len(missing) == 1 and 'not measured' in missing[0]
  assert not any('wav2lip |' in line for line in lines)
  drawn = [r for r in rows if 'psnr' in r['scores']]
  assert {r['scores']['psnr'][1] for r in drawn} == {3}
