"""`cemnet data`: tables and files of `inspect`, lines and exit codes of `verify`."""

import shutil

import cv2
import pytest

from cemnet_jax import cli

MEAD = 'synth_mead/mead_debug'


def run(job, data, *flags, dataset=MEAD):
  return cli.main(['data', job, '--data', str(data), '--dataset', dataset, *map(str, flags)])


def verify(data, *flags, **dataset):
  return run('verify', data, '--processes', 1, *flags, **dataset)


def test_inspect_prints_and_writes_the_same_numbers(debug_data, tmp_path, capsys):
  assert run('inspect', debug_data, '--out', tmp_path / 'card') == 0
  out = capsys.readouterr().out
  text = (tmp_path / 'card' / 'card.md').read_text()
  lines = [line.split() for line in out.splitlines()]
  rows = [[c.strip() for c in line.strip('|').split(' | ')]
          for line in text.splitlines() if line.startswith('| 00')]
  assert len(rows) == 6 and all(row in lines for row in rows)
  assert text.startswith(f'# {MEAD}\n') and 'Procedurally' in out and 'Procedurally' in text
  sheet = cv2.imread(str(tmp_path / 'card' / 'contact_sheet.png'))
  assert sheet.shape[1] > sheet.shape[0] > 1000


def test_inspect_prints_texts_as_they_are(debug_data, capsys, monkeypatch):
  from cemnet_jax.data import card
  table = card.Table('[red]title', ('[b]a',), [(':smile: [bold]x[/bold]',)])
  monkeypatch.setattr(card, 'dataset_card', lambda clips: [table])
  assert run('inspect', debug_data) == 0
  out = capsys.readouterr().out
  assert all(text in out for text in ('[red]title', '[b]a', ':smile: [bold]x[/bold]'))


def test_verify_a_sound_dataset(debug_data, capsys):
  assert verify(debug_data) == 0
  line, *chain = capsys.readouterr().out.strip().splitlines()
  assert line.startswith('120 clips, 0.03 hours: all good, digest ')
  digest = line.split()[-1]
  assert chain[-1].split() == [MEAD, '2.0.0', digest[:16]]
  assert verify(debug_data, '--digest', digest) == 0
  assert verify(debug_data, '--digest', digest[::-1]) == 2
  printed = capsys.readouterr()
  assert f'the records differ from the other build: digest {digest}\n' in printed.out
  assert f'{MEAD}: 120 clips, 0.03 hours: problems: 1, listed above' in printed.err


def test_verify_pairs(debug_data, capsys):
  assert verify(debug_data, dataset='pairs/aee-synth_mead-mead_debug') == 0
  assert capsys.readouterr().out.startswith('160 rows: all good, digest ')


def test_verify_lists_some_problems_and_counts_all(debug_data, tmp_path, capsys):
  shutil.copytree(debug_data / MEAD, tmp_path / MEAD)
  next((tmp_path / MEAD).rglob('*-val.array_record*')).unlink()
  assert verify(tmp_path) == 2
  printed = capsys.readouterr()
  lines = printed.out.splitlines()
  assert len(lines) == 21 and lines[1].startswith('val 0: cannot be read')
  assert lines[-1] == '... and 14 more'  # the file, its 32 records, and the speakers they miss
  assert printed.err.startswith('cemnet: error: ') and 'problems: 34, listed' in printed.err


@pytest.mark.parametrize('job,dataset,flags,line', [
  ('inspect', 'synth_mead/mead_full', [], 'no complete dataset synth_mead/mead_full'),
  ('verify', 'synth_mead/mead_full', [], 'no complete dataset synth_mead/mead_full'),
  ('verify', 'pairs/aee-mine', [], 'no complete dataset pairs/aee-mine'),
  ('inspect', 'pairs/aee-synth_mead-mead_debug', [], 'pairs can only be verified'),
  ('inspect', f'{MEAD}+{MEAD}', [], 'give one clips dataset'),
  ('inspect', MEAD, ['--out', __file__], 'cannot be written'),
  ('verify', MEAD, ['--processes', '0'], 'at least 1 is needed'),
  ('verify', MEAD, ['--digest', 'abc'], 'give the 64 hexadecimal digits'),
  ('show', MEAD, [], "invalid choice: 'show'")])
def test_bad_input_is_one_line(debug_data, capsys, job, dataset, flags, line):
  assert run(job, debug_data, *flags, dataset=dataset) == 2
  printed = capsys.readouterr()
  assert printed.err.count('\n') == 1 and line in printed.err, printed.err
  assert printed.out == ''
