"""`cemnet prepare`: builds the synthetic world, MEAD, LRS2 or a dataset of own clips."""

import os
import re

from cemnet_jax.commands.arguments import MOST_PROCESSES, integer, number, path_name
from cemnet_jax.errors import UserError

LEAST_SIZE, MOST_SIZE = 16, 1024  # px of a crop
SIZES = ('debug', 'quickstart', 'benchmark', 'full')


def add_arguments(parser) -> None:
  """Flags of the command: one sub-command per kind of data."""
  kinds = parser.add_subparsers(dest='kind', required=True, metavar='KIND')
  synth = kinds.add_parser('synth', help='the synthetic world: faces and speech from nothing')
  synth.add_argument('--size', required=True, choices=SIZES)
  _common(synth)

  folder = kinds.add_parser('folder', help='a folder of talking videos: speaker/[emotion/]clip.mp4')
  folder.add_argument('--name', required=True, help='name of the dataset: DATA/clip_folder/NAME')
  folder.add_argument('--labels', metavar='CSV',
                      help='columns file,speaker and maybe emotion,intensity,transcript,split')
  _media(folder, 'the folder of videos')

  mead = kinds.add_parser('mead', help="MEAD's original tree: ACTOR/video/front/EMOTION/...")
  add = mead.add_argument
  add('--name', default='front', help='DATA/mead/NAME')
  add('--views', nargs='+', action='extend', metavar='VIEW', help='cameras; front by default')
  add('--audio-only', action='store_true', help='the sound alone, with or without a video')
  add('--transcripts', metavar='CSV',
      help='what is said: columns file,transcript or actor,emotion[,level],number,transcript; '
           'without it, clips that say the same are found by their sound')
  add('--split-file', metavar='FILE', help='which actors are val and test: JSON, or ACTOR SPLIT')
  _media(mead, 'the folder of the actors')

  lrs2 = kinds.add_parser('lrs2', help="LRS2's original tree: mvlrs_v1/main/ID/00001.mp4")
  add = lrs2.add_argument
  add('--name', default='main', help='DATA/lrs2/NAME')
  add('--subsets', nargs='+', action='extend', metavar='SUBSET',
      help='main, pretrain; main by default')
  add('--lists', metavar='DIR', help='folder of train.txt, val.txt, test.txt, pretrain.txt')
  _media(lrs2, 'the folder that holds mvlrs_v1')


def _common(parser) -> None:
  parser.add_argument('--data', required=True, type=path_name, metavar='DIR',
                      help='where datasets are built')
  parser.add_argument('--processes', type=integer(1, MOST_PROCESSES), default=os.cpu_count() or 1)


def _media(parser, root: str) -> None:
  """Flags of every dataset that is made of media files; None leaves what the name stands for."""
  add = parser.add_argument
  add('--root', required=True, type=path_name, metavar='DIR', help=root)
  add('--crop-size', '--size', type=integer(LEAST_SIZE, MOST_SIZE), metavar='PX', dest='size',
      help='side of the face crops; 128 by default')
  add('--crop', choices=('stable', 'iplap'), help='how crops follow the face; stable by default')
  add('--landmarker', metavar='FILE',
      help='face_landmarker.task; otherwise $CEMNET_LANDMARKER, or downloaded once')
  add('--mode', choices=('image', 'video'),
      help='find the face in each picture by itself, or track it: see docs/data.md')
  add('--smoothing', choices=('none', 'savgol', 'one_euro'), help='of landmarks over time')
  add('--landmarks', metavar='DIR', help='ready landmarks: an npz for each file')
  add('--max-bad', type=number(0, 1), default=0.2, metavar='SHARE',
      help='share of files that may be skipped before the build fails')
  add('--beam', action='store_true', help='work through Apache Beam')
  add('--beam-runner', metavar='NAME', help='with --beam: DirectRunner, FlinkRunner, ...')
  add('--beam-option', action='append', default=[], metavar='OPTION',
      help='with --beam: direct_num_workers=8, ...; may be given several times')
  _common(parser)


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
  from tfds_builders.prepare import prepare_synthetic
  prepare_synthetic(args.data, args.size, args.processes)


def _folder(args) -> None:
  from tfds_builders.clip_folder.clip_folder_dataset_builder import Builder, FolderConfig
  from tfds_builders.media.entry import printable
  folder = printable(os.path.basename(os.path.abspath(args.root)))
  _build_media(args, Builder, FolderConfig, labels=args.labels,
               description=f'Talking clips of {folder}.')


def _mead(args) -> None:
  from tfds_builders.mead.mead_dataset_builder import Builder, MeadConfig
  from tfds_builders.prepare import build_pairs
  _build_media(args, Builder, MeadConfig, views=args.views and tuple(args.views),
               audio_only=args.audio_only or None, transcripts=args.transcripts,
               split_file=args.split_file)
  build_pairs(args.data, f'mead/{args.name}', args.processes)


def _lrs2(args) -> None:
  from tfds_builders.lrs2.lrs2_dataset_builder import Builder, Lrs2Config
  _build_media(args, Builder, Lrs2Config, subsets=args.subsets and tuple(args.subsets),
               lists=args.lists)


def _build_media(args, builder, config_class, **fields) -> None:
  """Builds `args.name`: a config that the builder knows, with the flags given, or a new one."""
  if not re.fullmatch(r'[A-Za-z]\w*', args.name):
    raise UserError(f'--name {args.name!r}: use letters, digits and _ only, a letter first')
  from tfds_builders.media.builder import build_media, named_config
  config = named_config(
    builder, config_class, args.name, root=args.root, size=args.size, crop=args.crop,
    mode=args.mode, smoothing=args.smoothing, landmarker=args.landmarker,
    landmarks=args.landmarks, max_bad=args.max_bad, processes=args.processes,
    beam=args.beam, **fields)
  beam = (args.beam_runner, [f'--{o.lstrip("-")}' for o in args.beam_option])
  path = build_media(builder, args.data, config, beam=beam if args.beam else None)
  print(f'{path}: built; {path.parent / "report.csv"} lists what was used and what was skipped')


_KINDS = {'synth': _synth, 'folder': _folder, 'mead': _mead, 'lrs2': _lrs2}
