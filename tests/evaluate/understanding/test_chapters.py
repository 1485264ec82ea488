"""A tiny untrained system is looked into from end to end, and what it lacks is said."""

import json

import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.cases import draw_cases
from cemnet_jax.evaluate.page import Figure, Text, render_page
from cemnet_jax.evaluate.understanding import chapters
from tests.infer.tiny_system import save_system

AMOUNTS = chapters.Amounts(pair_cases=1, clips=16, fields=2)


@pytest.fixture(scope='module')
def system_dir(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('system'))


@pytest.fixture(scope='module')
def clips(debug_data):
  return Clips(debug_data, 'synth_mead/mead_debug')


def pictures(sections):
  return [block.path for section in sections for block in section.blocks
          if isinstance(block, Figure)]


def test_all_of_a_system(clips, system_dir, tmp_path, monkeypatch):
  few = lambda *arguments: draw_cases(*arguments)[::16]
  monkeypatch.setattr(chapters, 'draw_cases', few)
  load = chapters.loading.load_voice  # the tiny system has no stage `audio_emotion`
  monkeypatch.setattr(chapters.loading, 'load_voice', lambda folder, stage: load(folder, 'aee'))
  said = []
  got = chapters.understand(clips, system_dir, tmp_path, AMOUNTS, said.append)
  assert said == [section.title for section in got.sections] == list(chapters.TITLES.values())
  assert sorted(pictures(got.sections)) == sorted(
    f'understanding/{p.name}' for p in (tmp_path / 'understanding').iterdir())
  assert len(pictures(got.sections)) == 6
  assert not any(isinstance(b, Text) and b.text.startswith('Left out')
                 for s in got.sections for b in s.blocks)

  numbers = json.loads(json.dumps(got.numbers, allow_nan=False))
  assert numbers['memory']['slots'] == 96
  assert 0 < numbers['memory']['entropy_share'] <= 1
  before, after = (numbers['embeddings'][stage] for stage in ('audio_emotion', 'aee'))
  assert before == after and 0 <= before['emotion_probe'] <= 1
  assert len(numbers['displacement']['fields']) == 2
  assert render_page('t', '', got.sections).count('<img') == 6


def test_what_is_not_trained_is_left_out_with_a_line(clips, tmp_path):
  got = chapters.understand(clips, tmp_path / 'nowhere', tmp_path, AMOUNTS)
  assert not pictures(got.sections) and not got.numbers
  for section in got.sections:
    line, = section.blocks
    assert line.text.startswith('Left out: ') and 'nowhere' in line.text
  assert not (tmp_path / 'understanding').exists()


def test_a_speaker_without_conflicts_is_left_out(clips, system_dir, tmp_path, monkeypatch):
  monkeypatch.setattr(chapters, 'talk_cases', lambda *arguments, **options: [])
  blocks, numbers = chapters._displacement(clips, None, tmp_path, AMOUNTS)
  assert blocks[0].text.startswith('Left out') and not numbers
