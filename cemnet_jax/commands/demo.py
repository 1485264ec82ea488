"""`cemnet demo`: three talking videos of drawn speakers by the system that comes with the package.

Nothing is trained and nothing is downloaded: pictures and speech are made here.
"""

import contextlib
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.commands.arguments import path_name
from cemnet_jax.errors import UserError

FIRST_SPEAKER = 5000  # no world's speakers have such numbers, so nothing was trained on these
SIZE = 384  # px of the pictures
WORLD = 'mead_full'  # whose sentences they say
SENTENCES = 's02', 's08', 's16'
# Emotion of the picture, emotion of the speech.
CONFLICTS = ('sad', 'happy'), ('happy', 'angry'), ('angry', 'surprised')


class Scene(NamedTuple):
  """What one video is made of."""
  picture: UInt8[np.ndarray, 'S S 3']
  landmarks: Float[np.ndarray, '131 2']  # px
  speech: Float[np.ndarray, ' S']


def add_arguments(parser) -> None:
  """Flags of the command."""
  parser.add_argument('--out', type=path_name, default='demo', metavar='DIR',
                      help='gets pictures and videos')


def run(args) -> None:
  """Leaves picture_<n>.png and talk_<n>.mp4 in `args.out`; a second run makes them anew."""
  start = time.monotonic()
  from cemnet_jax.files import check_writable
  out = Path(args.out)
  try:
    out.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(f'--out {out}: cannot be made ({error.strerror})') from error
  videos = [check_writable(out / f'talk_{n}.mp4') for n in range(1, len(CONFLICTS) + 1)]
  _say('loading the system')
  from cemnet_jax.evaluate.figures import write_png
  from cemnet_jax.infer import loading, traced
  from cemnet_jax.infer.references import from_arrays
  from cemnet_jax.infer.talker import Talker
  from cemnet_jax.infer.warm_up import warm_up
  from cemnet_jax.preprocess.encode import write_video
  from cemnet_jax.weights import embedded
  traced.keep()
  nets = loading.load(embedded.folder())
  compiled, talker = warm_up(nets, 1), Talker(nets)
  _say('drawing the speakers, compiling')
  scenes = [scene(n) for n in range(len(CONFLICTS))]
  compiled()
  for path, (shown, heard), made in zip(videos, CONFLICTS, scenes, strict=True):
    picture = path.with_name(path.stem.replace('talk', 'picture') + '.png')
    write_png(picture, made.picture)
    references = from_arrays(made.picture[None], made.landmarks[None], crop=talker.crop)
    with contextlib.closing(talker.stream(references, made.speech)) as frames:
      write_video(path, frames, made.speech)
    _say(f'{path}: {picture.name}, {shown}, hears {heard} speech; '
         f'{time.monotonic() - start:.0f} s')


def scene(number: int) -> Scene:
  """A picture of the demo's speaker `number` between two words, and what he or she shall say."""
  from cemnet_jax.evaluate.scenes import draw_scene
  from cemnet_jax.metrics.lip_gap import face_height, lip_gap
  from cemnet_jax.preprocess.audio import load_wav16
  from cemnet_jax.preprocess.synthetic.clip import perform
  from cemnet_jax.preprocess.synthetic.world import WORLDS, ClipKey
  from cemnet_jax.topology import EMOTIONS
  world, speaker = WORLDS[WORLD], FIRST_SPEAKER + number
  (shown, heard), level = CONFLICTS[number], world.levels[-1]
  posing = {'speaker': speaker, 'emotion': EMOTIONS.index(shown), 'intensity': level,
            'sentence': SENTENCES[number - 1]}
  frames, points, _ = draw_scene(WORLD, posing, SIZE, 1)
  middle = len(points) // 4 + np.arange(len(points) // 2)  # the emotion has grown by then
  closed = middle[lip_gap(points, face_height(points))[middle].argmin()]
  speech = perform(world, ClipKey(speaker, heard, level, SENTENCES[number])).pcm
  return Scene(frames[closed], points[closed].astype(np.float32), load_wav16(speech))


def _say(line: str) -> None:
  print(line, flush=True)
