"""Videos of single cases beside the reference and the real clip."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import figures
from cemnet_jax.evaluate.cases import Case, draw_references
from cemnet_jax.evaluate.methods import Method
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.preprocess.encode import write_video

SIZE = 192  # px of each face


def write_sample(path: Path, clips: Clips, case: Case, methods: Sequence[Method], count: int = 5
                 ) -> None:
  """The reference picture, the case by every method, and the real clip next to each other, with
  the clip's sound. `count` is the number of references; a file that exists is kept."""
  if path.is_file():
    return
  clip, shown = clips[case.driving], draw_references(clips, case, count)
  length = len(clip['frames'])
  videos = {'reference': np.repeat(shown.images[:1], length, axis=0)}
  for method in methods:
    content = method.predict(clip, [shown])[0] if method.predict else None
    videos[method.name] = method.render(clip, shown, content, np.arange(length))
  videos['real'] = np.stack([decode_jpeg(f) for f in clip['frames']])
  path.parent.mkdir(parents=True, exist_ok=True)
  write_video(path, figures.side_by_side(videos, size=SIZE), load_wav16(clip['audio']))
