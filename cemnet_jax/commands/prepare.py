"""`cemnet prepare`: builds the synthetic world or a dataset of own clips."""

import os
import re

from cemnet_jax.errors import UserError

SIZES = ('debug', 'quickstart', 'full')


def add_arguments(parser) -> None:
  """Flags of the command: one sub-command per kind of data."""
  kinds = parser.add_subparsers(dest='kind', required=True, metavar='KIND')
  synth = kinds.add_parser('synth', help='the synthetic world: faces and speech from nothing')
  synth.add_argument('--size', required=True, choices=SIZES)
  _common(synth)
  folder = kinds.add_parser('folder', help='a folder of talking videos: speaker/[emotion/]clip.mp4')
  add = folder.add_argument
  add('--root', required=True, metavar='DIR', help='the folder of videos')
  add('--name', required=True, help='name of the dataset: DATA/clip_folder/NAME')
  add('--labels', metavar='CSV',
      help='columns file,speaker and maybe emotion,intensity,transcript,split')
  add('--crop-size', '--size', type=int, default=128, metavar='PX', dest='size',
      help='side of the face crops')
  add('--crop', default='stable', choices=('stable', 'iplap'))
  add('--landmarker', metavar='FILE',
      help='face_landmarker.task; otherwise $CEMNET_LANDMARKER, or downloaded once')
  add('--max-bad', type=float, default=0.2, metavar='SHARE',
      help='share of files that may be skipped before the build fails')
  _common(folder)


def _common(parser) -> None:
  parser.add_argument('--data', required=True, metavar='DIR', help='where datasets are built')
  parser.add_argument('--processes', type=int, default=os.cpu_count() or 1)


def run(args) -> None:
  """Builds what is not there yet."""
  try:
    os.makedirs(args.data, exist_ok=True)
  except OSError as error:
    raise UserError(f'{args.data}: cannot be made ({error.strerror}); choose another --data'
                    ) from error
  if not os.access(args.data, os.W_OK):
    raise UserError(f'{args.data}: cannot be written; choose another --data')
  _KINDS[args.kind](args)


def _synth(args) -> None:
  from cemnet_jax.preprocess.prepare import prepare_synthetic
  prepare_synthetic(args.data, args.size, args.processes)


def _folder(args) -> None:
  if not re.fullmatch(r'[A-Za-z]\w*', args.name):
    raise UserError(f'--name {args.name!r}: use letters, digits and _ only, a letter first')
  if args.size < 16:
    raise UserError(f'--size {args.size}: a crop of at least 16 px is needed')
  from tfds_builders.clip_folder.clip_folder_dataset_builder import FolderConfig, build_folder
  path = build_folder(args.data, FolderConfig(
    name=args.name, description=f'Talking clips of {os.path.basename(os.path.abspath(args.root))}.',
    root=args.root, labels=args.labels, size=args.size, crop=args.crop,
    landmarker=args.landmarker, max_bad=args.max_bad, processes=args.processes))
  print(f'{path}: built; {path.parent / "report.csv"} lists what was used and what was skipped')


_KINDS = {'synth': _synth, 'folder': _folder}
