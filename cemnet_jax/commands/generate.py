"""`cemnet generate`: references and speech in, a talking mp4 out."""

import os
from functools import partial

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.files import check_writable
from cemnet_jax.infer import RESOLUTIONS
from cemnet_jax.preprocess.encode import write_video
from cemnet_jax.preprocess.picture import is_picture, read_picture
from cemnet_jax.systems import TALKERS
from cemnet_jax.topology import EMOTIONS, FPS, NUM_LANDMARKS, SAMPLES_PER_FRAME


def add_arguments(parser) -> None:
  """Flags of the command."""
  add = parser.add_argument
  add('--system-dir', metavar='DIR',
      help='workdir of a trained system; the one that comes with the package by default')
  add('--system', default='cemnet', choices=TALKERS, help='which system of that workdir')
  add('--reference', required=True, nargs='+', metavar='FILE',
      help='pictures of one face, the first of which speaks; or one video, which keeps its motion')
  add('--audio', required=True, metavar='FILE', help='speech: any sound or video file')
  add('--out', required=True, metavar='MP4', help='the video to write')
  add('--emotion', default='auto', choices=('auto', *EMOTIONS),
      help='auto: as heard in the speech')
  add('--seed', type=int, default=0, help='chooses among many references')
  add('--choose', default='random', choices=('random', 'lip_openness'),
      help='how references are chosen from a video')
  add('--smooth', type=float, default=0.0, metavar='FRAMES',
      help='sigma of a low-pass over the mouth; 0 is off')
  add('--calibrate', default='on', choices=('on', 'off'),
      help='take off what the system gets wrong on the reference itself')
  add('--resolution', default='native', choices=RESOLUTIONS,
      help="of the drawn face: native, the picture's own; net, what the renderer draws, enlarged")
  add('--no-memory', action='store_true', help='Audio2Mouth alone, for comparison')
  add('--landmarker', metavar='FILE',
      help='face_landmarker.task; otherwise $CEMNET_LANDMARKER, or downloaded once')
  add('--landmarks', metavar='NPY',
      help='known landmarks of the reference pictures in px, (n, 131, 2), instead of MediaPipe')


def run(args) -> None:
  """Checks every input before anything slow starts, then writes `args.out` whole or not at all."""
  check_writable(args.out)
  for path in (*args.reference, args.audio):
    if not os.path.isfile(path):
      raise UserError(f'{path}: no such file')
  from cemnet_jax.infer.start import start
  known = partial(_known, args.reference, args.landmarks) if args.landmarks else None
  talker, references, audio = start(
    partial(_load, args.system_dir, args.system), args.reference, args.audio,
    landmarker=args.landmarker, known=known, say=partial(print, flush=True))
  from cemnet_jax.infer.talker import Options
  options = Options(args.emotion, args.seed, not args.no_memory, args.choose, args.smooth,
                    args.calibrate == 'on', args.resolution, progress=True)
  write_video(args.out, talker.stream(references, audio, options=options), audio)
  frames = len(audio) // SAMPLES_PER_FRAME
  print(f'{args.out}: {frames} frames, {frames / FPS:.2f} s')


def _load(folder, system):
  from cemnet_jax.infer import loading
  from cemnet_jax.weights import embedded
  return loading.load(folder or embedded.folder(), system)


def _known(pictures, landmarks, crop):
  """References whose landmarks come from an .npy file."""
  from cemnet_jax.infer.references import from_arrays
  if not all(map(is_picture, pictures)):
    raise UserError('--landmarks goes with reference pictures, not with a video')
  try:
    points = np.load(landmarks, allow_pickle=False)
  except (OSError, ValueError) as error:
    raise UserError(f'{landmarks}: cannot be read as an .npy array ({error})') from error
  if points.shape != (len(pictures), NUM_LANDMARKS, 2):
    raise UserError(f'{landmarks}: holds an array of shape {points.shape}, expected '
                    f'({len(pictures)}, {NUM_LANDMARKS}, 2)')
  return from_arrays([read_picture(p) for p in pictures], points, crop=crop)
