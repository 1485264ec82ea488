import json

from cemnet_jax.evaluate import quickstart as show
from cemnet_jax.evaluate.clock import Clock
from cemnet_jax.evaluate.protocol import TRUTH
from cemnet_jax.systems import SYSTEMS


def test_report_of_a_finished_run(tmp_path):
  work = tmp_path / 'work'
  for stage in {name for system in show.TRAINED for name in SYSTEMS[system]}:
    (work / stage).mkdir(parents=True)
    done = {'step': 7, 'seconds': 12.3, 'start_up_seconds': 4.5}
    (work / stage / 'done.json').write_text(json.dumps(done))
  (work / 'renderer' / 'config.json').write_text(json.dumps({'data': {'image_size': 48}}))
  clock = Clock(work / 'times.json')
  with clock.part('data'):
    pass
  rows = [{'protocol': 'cross_emotion', 'split': split, 'repetition': 0, 'method': method,
           'clips': 9, 'm_lmd': value, 'emotion': .5}
          for split in ('test', 'test_sentence')
          for method, value in ((TRUTH, 0.), ('audio2mouth', 4.), ('cemnet', 1.))]

  text = show.results(rows, clock, work, 'debug')
  assert '| audio2mouth | 75.0 % | 75.0 % |' in text
  assert '| ebm_direct | 7 | 12 | 4 |' in text
  assert '48 px crop' in text and 'cores of' in text
  assert '| together | 0 |' in text
  lines = show.summary(rows, clock).splitlines()
  assert lines[0].endswith('M-LMD 4.00 px by Audio2Mouth alone, 1.00 px by cemnet (75 % lower)')
  assert 'GiB in the main process' in lines[-1]
