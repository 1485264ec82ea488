"""What comes before the first frame, as much of it at a time as there are cores for."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax.errors import UserError
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.references import References
from cemnet_jax.preprocess import face, sound, video
from cemnet_jax.preprocess.film import Film
from cemnet_jax.preprocess.guarded import Failed, Guard
from cemnet_jax.preprocess.recording import Recording
from cemnet_jax.topology import SAMPLES_PER_FRAME


class Started(NamedTuple):
  """What a video is made of; all programs that it takes are compiled."""
  talker: object  # infer.talker.Talker
  references: References
  speech: Recording
  own: sound.OwnSound  # what the nets hear as it is in the file, for the result


def start(load: Callable, paths: Sequence, speech, *, landmarker=None,
          known: Callable[[str], References] | None = None,
          say: Callable[[str], None] = lambda line: None) -> Started:
  """Loads a system, finds the face in a process of its own, and compiles.

  That process imports the main module again: a script calls this under `__name__ == '__main__'`.

  Args:
    load: gives the system, as `loading.load` does, and may take its time to import what it needs.
    paths: pictures of one face, or one video.
    speech: a sound or video file.
    landmarker: see `face.find_landmarker`.
    known: from the rule of the face boxes to references, in place of a search in `paths`.
    say: is told what is being done.

  Raises:
    UserError: a file cannot be read, shows no face, or is no system.
  """
  say('loading the system')
  model = None if known else face.find_landmarker(landmarker)
  track = sound.choose_track(speech)
  say(f'{speech}: {track.told}')
  recording = sound.record_audio(speech, track)
  for path in paths:
    for line in video.remarks(path):
      say(f'{path}: {line}')
  limit = len(recording) // SAMPLES_PER_FRAME
  guard = Guard(_search)
  try:
    if not known:
      guard.begin((paths, model, limit))
    # JAX takes seconds to import, as MediaPipe does: both at a time.
    from cemnet_jax.infer import traced
    from cemnet_jax.infer.talker import Talker
    from cemnet_jax.infer.warm_up import warm_up
    traced.keep()
    nets = load()
    compiled = warm_up(nets, len(paths) if video.is_picture(paths[0]) else limit)
    say('finding the face')
    references = known(nets.crop) if known else _found(guard, paths, limit, nets.crop, say)
  finally:
    guard.close()
  say('compiling')
  compiled()
  own = sound.OwnSound(speech, track, len(recording))
  return Started(Talker(nets), references, recording, own)


def _search(task, beat) -> Float[np.ndarray, 'N 131 2'] | face.Track | str:
  """In the other process: landmarks of files in px, or what is wrong with them."""
  paths, model, limit = task
  try:
    frames = refs.open_files(paths, limit)
    with face.landmarker(model) as detect:
      def watched(picture):
        beat()
        return detect(picture)
      return refs.landmarks_of(paths, frames, watched)
  except UserError as error:
    return str(error)


def _found(guard, paths, limit, crop, say) -> References:
  frames = refs.open_files(paths, limit)
  if isinstance(frames, Film):
    for _ in frames.read():  # it holds them, or knows how many they are
      pass
  found = guard.result()
  if isinstance(found, Failed):
    raise UserError(f'{paths[0]}: MediaPipe found no face since {found.reason}')
  if isinstance(found, str):
    raise UserError(found)
  return refs.from_found(paths, frames, found, crop, say)
