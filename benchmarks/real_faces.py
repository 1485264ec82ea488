"""Real faces that say real speech: sharpness, smears, lips, sync, seams, emotion, time.

  python -m benchmarks.real_faces --system-dir WORK --real ../shared/real --out OUT
  python -m benchmarks.real_faces --system-dir WORK --real ../shared/real --out OUT --quick

Needs a folder of real media (portraits/, clips/, ravdess/ ...), which is no part of the project.
Leaves in OUT `table.md`, `results.json` and, for eyes that may see them, `sheets/` and `videos/`:
real people, never for the repository. What each measure means is in docs/real_faces.md.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.real import cases, emotions, measure, report, sheet, start
from benchmarks.real.footage import make, own_sound, parse_options
from benchmarks.table import line, rule
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.figures import write_png
from cemnet_jax.files import check_writable, write_text
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess import face
from cemnet_jax.systems import TALKERS
from cemnet_jax.train.process import keep_compiled_programs

TIMED = 'ravdess_05', 'video_720p'  # cases that new processes make, for their time
QUICK_FACES = cases.EMOTION_FACES[:1]
SPEAKERS, QUICK_SPEAKERS = 6, 2  # of the synthetic world, for the emotions' own effect


def parse_args(argv=None) -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
  parser.error = _refuse
  add = parser.add_argument
  add('--system-dir', required=True, metavar='DIR', help='workdir of a trained system')
  add('--system', default='cemnet', choices=TALKERS, help='which system of that workdir')
  add('--real', required=True, type=Path, metavar='DIR', help='the folder of real media')
  add('--out', required=True, type=Path, metavar='DIR', help='gets everything; keep it private')
  add('--cases', type=int, metavar='N', help='so many cases, spread over all')
  add('--quick', action='store_true', help='a handful of cases, one face for the emotions')
  add('--seconds', type=float, default=4.0, help='of each speech at most')
  add('--option', action='append', default=[], metavar='NAME=VALUE',
      help='an option of the system, see infer.talker.Options')
  add('--skip', nargs='+', default=[], choices=('emotions', 'time'), help='parts to leave out')
  add('--landmarker', metavar='FILE', help='face_landmarker.task')
  args = parser.parse_args(argv)
  if not 1 <= args.seconds <= 60:
    raise UserError(f'--seconds {args.seconds:g}: give 1 to 60')
  return args


def _refuse(message):
  raise UserError(f'{message}; see --help')


def run_cases(talker, chosen, args, options, read) -> Iterator[tuple[dict, dict]]:
  """(measures, mean blendshapes) of each case; writes its video and its sheet."""
  for case in chosen:
    made = make(talker, case, args.real, args.seconds, options, args.out / 'videos',
                args.landmarker)
    footage = made.footage
    found = measure.look(footage, read)
    row = {'name': case.name, 'heard': case.heard, 'asked': case.asked, 'why': case.why,
           'group': measure.group(footage), **measure.measure(footage, found),
           'find_s': made.find_s, 'ms_per_frame': 1e3 * made.speak_s / len(footage.drawn)}
    sound = own_sound(case, args.real, len(footage.landmarks)) if footage.moving else None
    if sound is not None:
      row |= measure.own_sync(footage.landmarks, sound)
    title = f'{case.name}: {case.why}; speech {case.heard}, asked {case.asked}'
    write_png(args.out / 'sheets' / f'{case.name}.png', sheet.strip(footage, title))
    print(f'{case.name}: sharpness {row["sharpness"]:.2f}, outside {row["outside"]:.2f}, '
          f'slope {row["slope"]:.2f}, correlation {row["correlation"]:.2f}', flush=True)
    yield row, measure.mean_blendshapes(found)


def run_emotions(talker, args, options, read) -> dict:
  """Rows of the table of emotions."""
  people = QUICK_FACES if args.quick else cases.EMOTION_FACES
  asked = cases.emotion_cases(emotions.EMOTIONS, people)
  cases.check_files(asked, args.real)
  drawn: dict[str, dict] = {}
  for case, (_, shapes) in zip(asked, run_cases(talker, asked, args, options, read)):
    if not shapes:
      raise UserError(f'{case.name}: no face is found in any drawn frame, so it shows no emotion; '
                      'leave that part out with --skip emotions')
    drawn.setdefault(case.reference, {})[case.asked] = shapes
  world = emotions.world_effects(read, QUICK_SPEAKERS if args.quick else SPEAKERS)
  return emotions.compare(drawn, world)


def run_starts(args) -> dict:
  """Time and memory of new processes; case -> cache -> figures."""
  timed = [case for case in cases.ALL if case.name in TIMED]
  return {case.name: start.starts(
    args.system_dir, args.system, args.real / case.reference, args.real / case.speech, args.option,
    args.landmarker) for case in timed}


def page(results: dict) -> Iterator[str]:
  """table.md, line by line."""
  yield f'Command: `python -m benchmarks.real_faces {results["command"]}`'
  yield from ('', *report.summary(results['cases']), '', '\\* closed lips', '')
  yield from report.every_case(results['cases'])
  if 'emotions' in results:
    yield from ('', *report.emotions(results['emotions']))
  if 'time' in results:
    yield from ('', line('new process', 'compile cache', 'first frame s', 'ms a later frame',
                         'peak memory MB'), rule(5))
    for name, caches in results['time'].items():
      for cache, row in caches.items():
        yield line(name, cache, f'{row["first_frame_s"]:.1f}', f'{row["ms_per_frame"]:.0f}',
                   f'{row["peak_mb"]:.0f}')


def run(args: argparse.Namespace) -> None:
  """Everything; what is measured is written after every case."""
  options = parse_options(args.option)
  chosen = cases.choose(args.cases, args.quick)
  cases.check_files(chosen, args.real)
  check_writable(args.out / 'results.json')
  keep_compiled_programs()
  results = {'command': _told(args), 'cases': []}

  def keep():
    write_text(args.out / 'results.json', json.dumps(results, indent=1) + '\n')
    write_text(args.out / 'table.md', '\n'.join(page(results)) + '\n')

  if 'time' not in args.skip:
    results['time'] = run_starts(args)
  talker = Talker.load(args.system_dir, args.system)
  with face.expressions(args.landmarker) as read:
    for row, _ in run_cases(talker, chosen, args, options, read):
      results['cases'].append(row)
      keep()
    if 'emotions' not in args.skip:
      results['emotions'] = run_emotions(talker, args, options, read)
  keep()
  print('\n'.join(page(results)))


def _told(args):
  """The command without the paths of this machine."""
  words = ['--system-dir WORK --real DIR --out OUT', f'--seconds {args.seconds:g}']
  words += [f'--system {args.system}'] if args.system != 'cemnet' else []
  words += [f'--cases {args.cases}'] if args.cases else []
  words += ['--quick'] if args.quick else []
  words += [f'--skip {" ".join(args.skip)}'] if args.skip else []
  return ' '.join(words + [f'--option {text}' for text in args.option])


def main(argv=None) -> int:
  """Runs; 2 for a user's error."""
  try:
    run(parse_args(argv))
  except UserError as error:
    print('real_faces: error: ' + ' '.join(str(error).split()), file=sys.stderr)
    return 2
  return 0


if __name__ == '__main__':
  sys.exit(main())
