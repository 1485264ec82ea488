"""`cemnet generate`: references and speech in, a talking video out."""

from contextlib import closing
from functools import partial

from cemnet_jax.commands import arguments
from cemnet_jax.errors import UserError
from cemnet_jax.infer import RESOLUTIONS
from cemnet_jax.systems import TALKERS
from cemnet_jax.topology import EMOTIONS

MOST_SMOOTHING = 250.0  # frames: ten seconds, far more than any mouth takes


def add_arguments(parser) -> None:
  """Flags of the command."""
  add = parser.add_argument
  add('--system-dir', metavar='DIR',
      help='workdir of a trained system; the one that comes with the package by default')
  add('--system', default='cemnet', choices=TALKERS, help='which system of that workdir')
  add('--reference', required=True, nargs='+', action='extend', type=arguments.path_name,
      metavar='FILE',
      help='pictures of one face, the first of which speaks; or one video, which keeps its motion')
  add('--audio', required=True, type=arguments.path_name, metavar='FILE',
      help='speech: any sound or video file')
  add('--out', required=True, metavar='VIDEO',
      help='the video to write: .mp4, .mov, .mkv or .webm')
  add('--emotion', default='auto', choices=('auto', *EMOTIONS),
      help='auto: as heard in the speech')
  add('--seed', type=arguments.integer(0), default=0, help='chooses among many references')
  add('--choose', default='random', choices=('random', 'lip_openness'),
      help='how references are chosen from a video')
  add('--smooth', type=arguments.number(0, MOST_SMOOTHING), default=0.0, metavar='FRAMES',
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
  from cemnet_jax.preprocess.container import check_file
  from cemnet_jax.preprocess.encode import check_video, write_video
  inputs = (*args.reference, args.audio, args.landmarks, args.landmarker)
  check_video(args.out, inputs)
  for path in filter(None, inputs):
    check_file(path)
  from cemnet_jax.infer.start import start
  from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME
  known = partial(_known, args.reference, args.landmarks) if args.landmarks else None
  started = start(
    partial(_load, args.system_dir, args.system), args.reference, args.audio,
    landmarker=args.landmarker, known=known, say=partial(print, flush=True))
  from cemnet_jax.infer.talker import Options
  options = Options(args.emotion, args.seed, not args.no_memory, args.choose, args.smooth,
                    args.calibrate == 'on', args.resolution, progress=True)
  frames = started.talker.stream(started.references, started.speech, options=options)
  with closing(frames):
    write_video(args.out, frames, started.own)
  count = len(started.speech) // SAMPLES_PER_FRAME
  print(f'{args.out}: {count} frames, {count / FPS:.2f} s')


def _load(folder, system):
  from cemnet_jax.infer import loading
  from cemnet_jax.weights import embedded
  return loading.load(folder or embedded.folder(), system)


def _known(pictures, landmarks, crop):
  """References whose landmarks come from an .npy file."""
  import numpy as np

  from cemnet_jax.infer.references import from_arrays
  from cemnet_jax.preprocess.picture import is_picture, read_picture
  from cemnet_jax.topology import NUM_LANDMARKS
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
