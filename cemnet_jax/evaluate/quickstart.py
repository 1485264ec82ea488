"""What the quickstart shows once its systems are trained: videos, a summary and results.md."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import jax

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import evaluation, report, tables, talks
from cemnet_jax.evaluate.clock import Clock
from cemnet_jax.evaluate.figures import write_png
from cemnet_jax.evaluate.methods import BOUNDS
from cemnet_jax.evaluate.run import SYSTEMS_OF, Settings
from cemnet_jax.evaluate.summary import Key
from cemnet_jax.infer.talker import Talker
from cemnet_jax.systems import SYSTEMS

TRAINED = ('cemnet', 'cemnet_no_ebm')
COMPARED = ('a2m_renderer', 'cemnet_no_ebm', 'cemnet')
PROTOCOLS = ('neutral_base', 'cross_emotion', 'ablation')
SETTINGS = {
  # Eighty clips of each split tell what all of them tell, in a few minutes less.
  'quickstart': Settings(PROTOCOLS, repetitions=1, clips=80, drawn=8, frames=8),
  'debug': Settings(PROTOCOLS, repetitions=1, drawn=2, frames=4)}
SHOWN = ('m_lmd', 'm_lmd_plain', 'f_lmd', 'ea_landmarks', 'ea_landmarks_relative', 'offset_ms',
         'gap_correlation', 'silence', 'jitter', 'psnr', 'ssim', 'psnr_region', 'ssim_region')
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


def evaluate(data, work: Path, mead: str, lrs: str, size: str) -> tuple[dict, list[dict]]:
  """Measures the trained systems: ({'summary': lines, 'tables': markdown}, a row per clip)."""
  found = evaluation.evaluate(evaluation.Places([work], Path(data), mead, lrs), SETTINGS[size],
                              folder=None)
  splits = list(dict.fromkeys(key.split for key in found.merged))
  lines, parts = [], []
  for split in splits:
    alone, full = (found.merged[Key('cross_emotion', split, '', name)]['m_lmd'].mean
                   for name in ('a2m_renderer', 'cemnet'))
    lines.append(f'cross emotion, {report.SPLIT_TITLES[split]}: M-LMD {alone:.2f} px by '
                 f'Audio2Mouth alone, {full:.2f} px by cemnet ({100 * (1 - full / alone):.0f} % '
                 'lower)')
  for protocol in found.settings.protocols:
    parts.append(f'## {report.TITLES[protocol]}')
    for split in splits:
      methods = [*BOUNDS, *(m for m in SYSTEMS_OF[protocol] if m in COMPARED)]
      made = tables.grid(found.merged, protocol, split, methods, SHOWN)
      parts += [f'### {report.SPLIT_TITLES[split]}', tables.markdown(made)]
  parts += ['## How it was measured', report.DEFINITIONS]
  return {'summary': lines, 'tables': '\n\n'.join(parts)}, list(report.clip_rows(found))


def summary(measured: Mapping, clock: Clock) -> str:
  """What the memory gained, in which time and memory: a few lines."""
  parts = ', '.join(f'{name} {seconds:.0f} s' for name, seconds in clock.seconds.items())
  return '\n'.join([*measured['summary'], f'{sum(clock.seconds.values()):.0f} s in all: {parts}',
                    _memory(clock)])


def results(measured: Mapping, clock: Clock, work: Path, size: str) -> str:
  """The text of results.md."""
  chosen = SETTINGS[size]
  return '\n\n'.join([
    f'# Results of the {size} on the synthetic world',
    f'Made by `cemnet quickstart --size {size}` on {machine()}. Speakers of `test` are in no '
    'training data of any stage; sentences of `test_sentence` were held out from speakers that '
    f'are. {chosen.clips or "All"} clips of each split, references drawn by seed {chosen.seed}; '
    f'{chosen.frames} frames each of {chosen.drawn} clips as pictures. No scorer of pictures is '
    'trained here: `cemnet train --system scorers` and `cemnet evaluate` measure more.',
    measured['tables'], '## Time and memory', _times_table(clock.seconds), _memory(clock),
    'Stages, without loading data and compiling:', _stage_times(work)]) + '\n'


def _times_table(seconds):
  rows = [[name, f'{value:.0f}'] for name, value in seconds.items()]
  together = ['together', f'{sum(seconds.values()):.0f}']
  return tables.markdown(tables.Grid(['part', 'seconds'], [*rows, together]))


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
