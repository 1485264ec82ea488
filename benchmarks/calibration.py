"""What calibration to the person gains on speakers and sentences that no stage was trained on.

  python -m benchmarks.calibration --system-dir WORK --data DATA --mead synth_mead/mead_benchmark

Cross emotion, as in `cemnet evaluate`: mean distances in the face's own frame, so not the M-LMD of
its tables, without calibration, with that by five reference pictures, and with that by the whole
reference clip and its own sound. Only the constant error is taken off; the driving clip's own jaw,
which generation keeps to, tells nothing.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.table import emit, line, rule
from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.cases import SPLITS, draw_cases, draw_references
from cemnet_jax.evaluate.methods import talker_inputs
from cemnet_jax.infer import calibration
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.stable_frame import align
from cemnet_jax.topology import CONTENT, JAW, LIPS

PLAIN = Options(calibrate=False)
WAYS = ('none', 'five pictures', 'the reference video')
PARTS = {'jaw and lips': CONTENT, 'jaw': JAW, 'lips': LIPS}
REFERENCES = 5


def parse_args() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--system-dir', required=True, metavar='DIR', help='workdir of a trained system')
  add('--data', default='data_cache', metavar='DIR', help='where datasets are')
  add('--mead', default='synth_mead/mead_quickstart', help='dataset of the cases')
  add('--cases', type=int, default=80, help='of each split; 0 for all')
  add('--seed', type=int, default=0, help='draws cases and references')
  add('--out', type=Path, help='a file that gets what is printed')
  return parser.parse_args()


def errors(talker: Talker, clips: Clips, case) -> np.ndarray:
  """Mean distance (ways, parts) to the real clip's landmarks, in 1 / 1000 of the crop."""
  clip, reference = clips[case.driving], clips[case.reference]
  pictures, audio, canvas = talker_inputs(clip, draw_references(clips, case, REFERENCES))
  landmarks = reference['landmarks'].astype(np.float32)
  boxes = np.tile(np.float32([0, 0, 1, 1]), (len(landmarks), 1))
  video = refs.from_arrays(reference['frames'], landmarks, boxes, moving=True,
                           audio=load_wav16(reference['audio']))
  predicted = talker.plan(pictures, audio, canvas, PLAIN).landmarks
  cues = talker.plan(pictures, video.audio, video, PLAIN).landmarks
  found = (None, talker.calibration(pictures, PLAIN), calibration.measure(cues, landmarks))
  made = (predicted if way is None else calibration.take_off(way, predicted) for way in found)
  real = align(clip['landmarks'].astype(np.float64))
  distances = (np.linalg.norm(align(one) - real, axis=-1).mean(axis=0) for one in made)
  return 1000 * np.array([[d[part].mean() for part in PARTS.values()] for d in distances])


def report(args: argparse.Namespace) -> Iterator[str]:
  """The table, line by line."""
  clips, talker = Clips(args.data, args.mead), Talker.load(args.system_dir)
  yield line('split', 'calibration by', *PARTS, 'of none')
  yield rule(3 + len(PARTS))
  for split in SPLITS:
    cases = draw_cases(clips, split, 'cross_emotion', args.seed, args.cases)
    mean = np.mean([errors(talker, clips, case) for case in cases], axis=0)
    for way, row in zip(WAYS, mean):
      yield line(f'{split}, {len(cases)} cases', way, *(f'{x:.1f}' for x in row),
                 f'{row[0] / mean[0, 0]:.2f}')


def main() -> None:
  args = parse_args()
  emit(report(args), args.out)


if __name__ == '__main__':
  main()
