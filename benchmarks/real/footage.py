"""Makes one video of a real face with a trained system: the only place that calls the system."""

import ast
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.real.cases import Case
from benchmarks.real.measure import Footage
from cemnet_jax.errors import UserError
from cemnet_jax.infer.references import back_and_forth
from cemnet_jax.infer.talker import Options, Talker, as_references, load_audio
from cemnet_jax.preprocess import video
from cemnet_jax.topology import SAMPLE_RATE, SAMPLES_PER_FRAME


class Made(NamedTuple):
  """Footage with what it cost on a machine whose programs are compiled after the first one."""
  footage: Footage
  find_s: float  # decoding the reference and finding its face
  speak_s: float  # everything else up to the frames
  path: Path


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
  """name=value of the system's `Options` -> keywords; values are Python literals, else text.

  Raises:
    UserError: no value, or an option that this system's code does not know.
  """
  found = {}
  for text in texts:
    name, equals, value = text.partition('=')
    if not equals or name not in Options._fields or name == 'emotion':
      known = ', '.join(field for field in Options._fields if field != 'emotion')
      raise UserError(f'--option {text}: give NAME=VALUE with one of {known}')
    try:
      found[name] = ast.literal_eval(value)
    except (ValueError, SyntaxError):
      found[name] = value
  return found


def make(talker: Talker, case: Case, real: Path, seconds: float, options: Mapping[str, Any],
         out: Path, landmarker=None) -> Made:
  """Speaks one case, saves the mp4 below `out` and reads it again."""
  audio = load_audio(real / case.speech)[:int(seconds * SAMPLE_RATE)]
  began = time.perf_counter()
  references = as_references([real / case.reference], landmarker,
                             -(-len(audio) // SAMPLES_PER_FRAME), talker.crop)
  found = time.perf_counter()
  clip = talker.speak(references, audio, emotion=case.asked, **options)
  done = time.perf_counter()
  path = out / f'{case.name}.mp4'
  clip.save(path)
  length = len(references.frames) if references.moving else 1
  shown = back_and_forth(length, len(clip.frames))
  footage = Footage(clip.frames, video.iterate_frames(path), clip.landmarks, clip.audio,
                    references.frames, np.asarray(references.landmarks),
                    np.asarray(references.boxes), shown, references.moving)
  return Made(footage, found - began, done - found, path)


def own_sound(case: Case, real: Path, frames: int) -> np.ndarray | None:
  """Sound of a reference video's first `frames` frames; None without."""
  path = real / case.reference
  if video.is_picture(path) or not video.has_audio(path):
    return None
  return video.read_audio(path, like_video=True)[:frames * SAMPLES_PER_FRAME]
