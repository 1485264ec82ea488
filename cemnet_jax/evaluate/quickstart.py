"""What the quickstart shows once its systems are trained: videos, a summary and results.md."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import jax

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import tables, talks
from cemnet_jax.evaluate.clock import Clock
from cemnet_jax.evaluate.figures import write_png
from cemnet_jax.evaluate.protocol import Settings
from cemnet_jax.infer.talker import Talker
from cemnet_jax.systems import SYSTEMS
from cemnet_jax.train import ckpt

TRAINED = ('cemnet', 'cemnet_no_ebm')
SETTINGS = {
  # Eighty clips of each split tell what all of them tell, in a few minutes less.
  'quickstart': Settings(repetitions=1, clips=80, rendered_clips=8, rendered_frames=8),
  'debug': Settings(repetitions=1, rendered_clips=2, rendered_frames=4)}
GENERATED, NO_MEMORY, ALONE = 'generated', 'without the memory', 'Audio2Mouth alone'


def video_files(out: Path, clips: Clips) -> list[Path]:
  """What `make_videos` writes."""
  count = len(talks.talk_cases(clips))
  return [*(out / f'talk_{n}.mp4' for n in range(1, count + 1)),
          out / 'side_by_side.mp4', out / 'contact_sheet.png']


def make_videos(out: Path, clips: Clips, work: Path) -> None:
  """Every talk, and one of each speaker beside other systems, as a video and a contact sheet."""
  cemnet = Talker.load(work)
  systems = {GENERATED: talks.Voiced(cemnet),
             NO_MEMORY: talks.Voiced(Talker.load(work, 'cemnet_no_ebm')),
             ALONE: talks.Voiced(cemnet, memory=False)}
  cases = talks.talk_cases(clips)
  compared = talks.one_of_each_speaker(clips, cases)
  made = [talks.make_talk(clips, case, systems if case in compared else {
    GENERATED: systems[GENERATED]}) for case in cases]
  for number, talk in enumerate(made, start=1):
    talks.write_talk(out, number, talk, GENERATED)
  side_by_side = [talk for case, talk in zip(cases, made) if case in compared]
  talks.write_side_by_side(out / 'side_by_side.mp4', side_by_side)
  write_png(out / 'contact_sheet.png', talks.sheet(side_by_side))


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


def results(rows: Sequence[dict], clock: Clock, work: Path, size: str) -> str:
  """The text of results.md."""
  image_size = ckpt.load_config(work / 'renderer')['data']['image_size']
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
