"""Chapters of an evaluation's page that look into a trained system, and their numbers."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.cases import draw_cases
from cemnet_jax.evaluate.page import Block, Figure, Section, Table, Text
from cemnet_jax.evaluate.talks import talk_cases
from cemnet_jax.evaluate.understanding import displacement, embeddings, memory, memory_charts
from cemnet_jax.infer import forward, loading
from cemnet_jax.infer.talker import Talker

FOLDER = 'understanding'  # below the page's: where the pictures lie
TITLES = {'memory': 'What the memory reads', 'embeddings': 'What the audio emotion keeps',
          'displacement': 'How the memory moves the mouth'}


class Amounts(NamedTuple):
  """How much is looked at; the defaults take about two minutes on two cores.

  Attributes:
    pair_cases: cases of each pair of emotions.
    clips: of training and of unseen speakers, each; 0 for all.
    fields: conflicting pairs of the first unseen speaker whose mouth is drawn.
  """
  pair_cases: int = 3
  clips: int = 200
  fields: int = 4


class Understanding(NamedTuple):
  """Chapters for `page.write_page`, and plain data: the part's name -> its numbers."""
  sections: list[Section]
  numbers: dict


def understand(clips: Clips, system_dir, out, amounts: Amounts | None = None,
               progress: Callable[[str], None] = lambda line: None) -> Understanding:
  """Looks into a system's memory and audio emotion with clips of unseen speakers.

  A part whose stages are not trained is left out, with a line that says so. Pictures are written
  into `out`/understanding.

  Raises:
    UserError: the dataset has no clips of unseen speakers.
  """
  amounts, folder = amounts or Amounts(), Path(out) / FOLDER
  networks = functools.cache(lambda: _networks(system_dir))  # two parts look into them
  parts = {'memory': lambda: _memory(clips, networks(), folder, amounts),
           'embeddings': lambda: _embeddings(clips, _voices(system_dir), folder, amounts),
           'displacement': lambda: _displacement(clips, networks(), folder, amounts)}
  sections, numbers = [], {}
  for name, part in parts.items():
    progress(TITLES[name])
    try:
      blocks, numbers[name] = part()
    except _Untrained as error:
      blocks = [Text(f'Left out: {error}.')]
    sections.append(Section(TITLES[name], blocks))
  return Understanding(sections, numbers)


class _Untrained(Exception):
  """A stage that a part needs is not there."""


def _networks(system_dir) -> forward.Networks:
  try:
    return loading.load(system_dir)
  except UserError as error:
    raise _Untrained(str(error)) from error


def _voices(system_dir) -> dict[str, forward.Net]:
  try:
    return {stage: loading.load_voice(system_dir, stage) for stage in embeddings.STAGES}
  except UserError as error:
    raise _Untrained(str(error)) from error


def _memory(clips, nets, folder, amounts) -> tuple[list[Block], dict]:
  cases = draw_cases(clips, 'test', 'matrix', 0, amounts.pair_cases)
  usage = memory.measure(clips, Talker(nets), cases)
  pairs, numbers = memory.by_pair(usage), memory.summary(usage)
  memory_charts.draw_slots(usage, folder / 'slots.png')
  memory_charts.draw_pairs(pairs, folder / 'pairs.png')
  memory_charts.draw_similarity(pairs, folder / 'similarity.png')
  memory_charts.draw_top(pairs, folder / 'top_slots.png')
  return [
    Text(f'The weights of the {numbers["slots"]} slots (Eq. 11) in {numbers["cases"]} cases of '
         'unseen speakers, with references of each emotion for speech of each emotion; mean over '
         'the frames of a case.'),
    Table(('measure', 'value'), _memory_rows(numbers)),
    _figure('slots', 'How much of the weight each slot holds. A memory that needs few of its slots '
            'could be smaller.'),
    _figure('pairs', 'Which slots fire for which pair of emotions: rows within a block speak with '
            'the same emotion and differ in the references.'),
    _figure('similarity', 'Blocks on the diagonal hold the pairs with the same speech: where they '
            'are bright, the same slots are read whatever the references show.'),
    _figure('top_slots', 'Number of the most read slot and its weight.')], numbers


def _memory_rows(numbers):
  shared = numbers['similarity']
  rows = [
    ('entropy of the usage', f'{numbers["entropy_nats"]:.2f} nats, '
     f'{100 * numbers["entropy_share"]:.0f} % of log {numbers["slots"]}'),
    ('entropy within a frame', f'{numbers["frame_entropy_nats"]:.2f} nats'),
    ('their difference: what a slot tells about its frame',
     f'{numbers["information_nats"]:.2f} nats'),
    ('slots that hold 90 % of the weight', f'{numbers["slots_90"]} of {numbers["slots"]}'),
    ('largest weight of a frame, mean', f'{100 * numbers["mean_peak"]:.0f} %')]
  titles = {'same_speech': 'the emotion of the speech', 'same_reference': 'that of the references',
            'neither': 'neither'}
  return rows + [(f'cosine of two pairs that share {title}', f'{shared[name]:.2f}')
                 for name, title in titles.items() if shared[name] is not None]


def _embeddings(clips, voices, folder, amounts) -> tuple[list[Block], dict]:
  seen, unseen = (embeddings.some_of(clips, split, amounts.clips) for split in ('train', 'test'))
  probed = {stage: embeddings.probe(clips, voice, seen, unseen)
            for stage, voice in voices.items()}
  table = clips.table
  embeddings.draw(probed, table['emotion'][unseen], table['speaker'][unseen],
                  folder / 'embeddings.png')
  numbers = {stage: embeddings.summary(found) for stage, found in probed.items()}
  return [
    Text(f'The mean E_e of {len(unseen)} utterances of unseen speakers, before and after the '
         'cross-reconstruction of stage aee. A linear probe for the emotion is fitted to '
         f'{len(seen)} clips of training speakers; one for the speaker is fitted to these '
         'utterances and scored on sentences that it has not seen. An embedding that is free of '
         'the speaker leaves the second probe at chance.'),
    _figure('embeddings', 't-SNE of the embeddings, one point per utterance; numbers are the '
            "probes' accuracies on the embeddings themselves.")], numbers


def _displacement(clips, nets, folder, amounts) -> tuple[list[Block], dict]:
  cases = talk_cases(clips, speakers=1, pairs=amounts.fields)
  if not cases:
    return [Text('Left out: the first unseen speaker shows no conflicting emotions.')], {}
  fields = displacement.measure(clips, nets, cases)
  displacement.draw(fields, folder / 'displacement.png')
  numbers = [displacement.summary(field) for field in fields]
  mean = np.mean([field['cosine'] for field in numbers])
  return [
    Text('From the mouth that Audio2Mouth makes to the mouth after the memory, and to the real '
         'one. The two fields would be equal for a perfect memory; their cosine is '
         f'{mean:.2f} on average here.'),
    _figure('displacement', 'The 57 points of mouth and jaw in the face\'s own frame, mean over '
            'the clip, on the real frame whose mouth is nearest to the mean one.')
  ], {'fields': numbers}


def _figure(name, caption):
  return Figure(f'{FOLDER}/{name}.png', caption)
