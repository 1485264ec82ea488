"""Everything from nothing: data, training, evaluation, videos and a report, resumable."""

import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import jax

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import tables, talks
from cemnet_jax.evaluate.clock import Clock
from cemnet_jax.evaluate.figures import write_png
from cemnet_jax.evaluate.methods import trained_methods
from cemnet_jax.evaluate.protocol import Settings, evaluate
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess.prepare import prepare_synthetic
from cemnet_jax.systems import SYSTEMS
from cemnet_jax.train_system import load_config, train_system

TRAINED = ('cemnet', 'cemnet_no_ebm')
SETTINGS = {
  'quickstart': Settings(repetitions=1, rendered_clips=8, rendered_frames=12),
  'debug': Settings(repetitions=1, rendered_clips=2, rendered_frames=4)}
GENERATED, NO_MEMORY, ALONE = 'generated', 'without the memory', 'Audio2Mouth alone'


def quickstart(out, data_dir, size: str = 'quickstart',
               report: Callable[[str], None] = print) -> None:
  """Leaves talk_<n>.mp4, side_by_side.mp4, contact_sheet.png, results.md and work/ in `out`.

  Parts that were finished are not done again; training goes on at the step it had reached.

  Args:
    out: folder of the results, made where it is absent.
    data_dir: folder of built datasets.
    size: 'quickstart' or 'debug', of the synthetic world and of every stage.
    report: takes a line of text.

  Raises:
    UserError: a folder that cannot be written, or settings unlike those of an earlier run.
  """
  out, work = Path(out), Path(out) / 'work'
  clock = Clock(work / 'times.json')
  dataset = load_config('ebm', size).data.dataset

  report('1/4 data')
  with clock.part('data'):
    prepare_synthetic(data_dir, size, os.cpu_count() or 1, report)
  for system in TRAINED:
    report(f'2/4 training of {system}')
    with clock.part(f'training of {system}'):
      train_system(system, size, data_dir, work)
  clips = Clips(data_dir, dataset)
  report('3/4 evaluation on speakers and sentences that were held out')
  scores = work / 'results.json'
  if not (clock.finished('evaluation') and scores.is_file()):
    with clock.part('evaluation'):
      tables.write_rows(scores, evaluate(clips, trained_methods(work), SETTINGS[size], report))
  rows = json.loads(scores.read_text())
  report('4/4 talking videos')
  videos = [out / f'talk_{n}.mp4' for n in range(1, len(talks.talk_cases(clips)) + 1)]
  made = [*videos, out / 'side_by_side.mp4', out / 'contact_sheet.png']
  if not (clock.finished('videos') and all(path.is_file() for path in made)):
    with clock.part('videos'):
      make_videos(out, clips, work)
  image_size = load_config('renderer', size).data.image_size
  tables.write_text(out / 'results.md', results(rows, clock, work, size, image_size))
  report('\n' + summary(rows, clock))
  report(f'\n{out}: talk_1.mp4 ... talk_{len(videos)}.mp4, side_by_side.mp4, contact_sheet.png, '
         'results.md')


def make_videos(out: Path, clips: Clips, work: Path) -> None:
  """Every talk, the side-by-side video of one talk per speaker, and the contact sheet."""
  cemnet = Talker.load(work)
  systems = {GENERATED: talks.Voiced(cemnet),
             NO_MEMORY: talks.Voiced(Talker.load(work, 'cemnet_no_ebm')),
             ALONE: talks.Voiced(cemnet, memory=False)}
  made = [talks.make_talk(clips, case, systems) for case in talks.talk_cases(clips)]
  for number, talk in enumerate(made, start=1):
    talks.write_talk(out, number, talk, GENERATED)
  first = {talk.title.split(':')[0]: talk for talk in reversed(made)}  # one of each speaker
  talks.write_side_by_side(out / 'side_by_side.mp4', list(reversed(first.values())))
  write_png(out / 'contact_sheet.png', talks.sheet(made))


def summary(rows: Sequence[dict], clock: Clock) -> str:
  """What the memory gained, in which time and memory: a few lines."""
  merged = tables.merge(rows)
  lines = []
  for split in dict.fromkeys(row['split'] for row in rows):
    alone, full = (merged['cross_emotion', split, name]['m_lmd'][0]
                   for name in ('audio2mouth', 'cemnet'))
    lines.append(f'cross emotion, {tables.SPLIT_TITLES[split]}: M-LMD {alone:.2f} px by '
                 f'Audio2Mouth alone, {full:.2f} px by cemnet '
                 f'({tables.gain(merged, split):.0f} % lower)')
  parts = ', '.join(f'{name} {seconds:.0f} s' for name, seconds in clock.seconds.items())
  return '\n'.join([*lines, f'{sum(clock.seconds.values()):.0f} s in all: {parts}',
                    _memory(clock)])


def results(rows: Sequence[dict], clock: Clock, work: Path, size: str, image_size: int) -> str:
  """The text of results.md."""
  return '\n\n'.join([
    f'# Results of the {size} on the synthetic world',
    f'Made by `cemnet quickstart --size {size}` on {machine()}. Speakers of `test` are in no '
    'training data of any stage; sentences of `test_sentence` were held out from speakers that '
    'are. References are drawn by seed '
    f'{SETTINGS[size].seed}, {SETTINGS[size].repetitions} time(s).',
    tables.all_tables(rows, image_size),
    '## Time and memory', tables.times_table(clock.seconds), _memory(clock),
    'Stages, without loading data and compiling:', _stage_times(work)]) + '\n'


def _stage_times(work):
  lines = ['| stage | steps | seconds | start-up seconds |', '|---|---|---|---|']
  for stage in dict.fromkeys(name for system in TRAINED for name in SYSTEMS[system]):
    done = json.loads((work / stage / 'done.json').read_text())
    lines.append(f'| {stage} | {done["step"]} | {done["seconds"]:.0f} | '
                 f'{done["start_up_seconds"]:.0f} |')
  return '\n'.join(lines)


def _memory(clock):
  return (f'Peak resident memory: {clock.memory["process"]:.1f} GiB in the main process, '
          f'{clock.memory["child"]:.1f} GiB in the largest of its children.')


def machine() -> str:
  """Processor, cores, devices and versions, in one line."""
  model = platform.processor() or platform.machine()
  if Path('/proc/cpuinfo').is_file():
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    model = names[0] if names else model
  devices = ', '.join(sorted({d.device_kind for d in jax.devices()}))
  return (f'{os.cpu_count()} cores of {model} (JAX device: {devices}), '
          f'Python {platform.python_version()}, jax {jax.__version__}')
