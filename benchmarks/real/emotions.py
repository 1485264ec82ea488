"""Visible emotion: blendshapes of faces asked for an emotion, against the synthetic world's own."""

from collections.abc import Mapping, Sequence

import numpy as np

from cemnet_jax.metrics.expression import EXPECTED, effect, effect_share
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.preprocess.synthetic.world import WORLDS

EMOTIONS = ('neutral', *EXPECTED)
WORLD = 'mead_benchmark'  # the speakers of its test split are drawn
SIZE = 256  # px: the detector reads smaller faces badly


def world_effects(read, speakers: int, every: int = 3) -> dict[str, dict[str, float]]:
  """Emotion -> effect on the blendshapes in the synthetic world's own clips, mean of speakers.

  Unseen speakers say the same phones at full intensity with each emotion and with none, drawn at
  256 px and read by the same detector.

  Args:
    read: of preprocess.face.expressions.
    speakers: of the test split, at most so many.
    every: frames from one that is read to the next.
  """
  effects: dict[str, list] = {emotion: [] for emotion in EXPECTED}
  for speaker in WORLDS[WORLD].speaker_ids()['test'][:speakers]:
    renderer = FaceRenderer(make_identity(speaker), SIZE, 1)
    means = {}
    for emotion in EMOTIONS:
      frames, _ = renderer.frames(clip_motion(speaker, emotion))
      seen = [faces.blendshapes[0] for faces in map(read, frames[::every]) if faces.blendshapes]
      means[emotion] = {name: float(np.mean([s[name] for s in seen])) for name in seen[0]}
    for emotion, found in effects.items():
      found.append(effect(means[emotion], means['neutral']))
  return {emotion: _mean(found, np.mean) for emotion, found in effects.items()}


def compare(drawn: Mapping[str, Mapping[str, Mapping[str, float]]],
            world: Mapping[str, Mapping[str, float]]) -> dict[str, dict]:
  """Rows of the table for each emotion.

  Args:
    drawn: face -> asked emotion, 'neutral' among them -> mean blendshapes.
    world: of `world_effects`.
  """
  rows = {}
  for emotion, expected in EXPECTED.items():
    effects = [effect(face[emotion], face['neutral']) for face in drawn.values()]
    shares = [effect_share(found, world[emotion], emotion) for found in effects]
    middle = _mean(effects, np.median)
    rows[emotion] = {
      'share_median': float(np.median(shares)), 'share_worst': float(np.min(shares)),
      'shares': dict(zip(drawn, shares, strict=True)),
      'shapes': {name: {'expected': sign, 'drawn': middle[name], 'world': world[emotion][name]}
                 for name, sign in expected.items()}}
  return rows


def _mean(effects: Sequence[Mapping[str, float]], of) -> dict[str, float]:
  return {name: float(of([found[name] for found in effects])) for name in effects[0]}
