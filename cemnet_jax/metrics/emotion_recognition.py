"""Emotion accuracy (EA) from the frame probabilities of any scorer, whatever classes it knows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from cemnet_jax.metrics.tally import EMPTY, Tally
from cemnet_jax.topology import EMOTIONS

# DeepFace's outputs in its order (spec §9.2) under our names; it has no contempt.
DEEPFACE = 'angry', 'disgusted', 'fear', 'happy', 'sad', 'surprised', 'neutral'
STAND_IN = {'contempt': 'disgusted'}  # what the second number takes for a class the scorer lacks
TINY = float(np.finfo(np.float32).tiny)  # a float32 softmax underflows to 0, whose log is -inf


def classes_of(probabilities: Float[np.ndarray, 'T E']) -> tuple[str, ...]:
  """The classes of a scorer by their number: eight are EMOTIONS, seven are DeepFace's."""
  known = {len(EMOTIONS): EMOTIONS, len(DEEPFACE): DEEPFACE}
  return known[probabilities.shape[-1]]


def frame_accuracy(probabilities: Float[np.ndarray, 'T E'], label: str,
                   classes: Sequence[str] = EMOTIONS) -> Tally:
  """Share of a clip's frames whose arg-max is the label: the paper's EA.

  Args:
    probabilities: of each frame, over `classes`.
    label: the clip's emotion, one of EMOTIONS.
    classes: the scorer's classes in the order of its outputs, under our names.

  Returns:
    (share, 1); nothing counted for no frames, or where the scorer does not know the label.
  """
  if label not in classes or not len(probabilities):
    return EMPTY
  return Tally(float((_decisions(probabilities) == classes.index(label)).mean()), 1.)


def clip_accuracy(probabilities: Float[np.ndarray, 'T E'], label: str,
                  classes: Sequence[str] = EMOTIONS) -> Tally:
  """1 where the arg-max of the mean log-probability over frames is the label, else 0.

  Arguments and exceptions as in `frame_accuracy`.
  """
  if label not in classes or not len(probabilities):
    return EMPTY
  evidence = np.log(np.maximum(np.asarray(probabilities, np.float64), TINY)).mean(0)
  return Tally(float(_decisions(evidence) == classes.index(label)), 1.)


def emotion_scores(probabilities: Float[np.ndarray, 'T E'], label: str,
                   classes: Sequence[str] = EMOTIONS) -> dict[str, Tally]:
  """Tallies of one clip: `ea` and `ea_clip` without clips whose label the scorer does not know
  (the main numbers), `ea_merged` and `ea_clip_merged` with contempt taken for disgust there."""
  merged = label if label in classes else STAND_IN.get(label, label)
  return {
    'ea': frame_accuracy(probabilities, label, classes),
    'ea_clip': clip_accuracy(probabilities, label, classes),
    'ea_merged': frame_accuracy(probabilities, merged, classes),
    'ea_clip_merged': clip_accuracy(probabilities, merged, classes)}


def confusion(probabilities: Float[np.ndarray, 'T E'], label: str,
              classes: Sequence[str] = EMOTIONS) -> Float[np.ndarray, 'E E']:
  """What one clip was taken for: row of its label, columns the shares of its frames, both in the
  order of EMOTIONS. Summed over clips, a row's sum is its number of clips."""
  table = np.zeros((len(EMOTIONS), len(EMOTIONS)))
  columns = np.array([EMOTIONS.index(name) for name in classes])
  if len(probabilities):
    found = np.bincount(columns[_decisions(probabilities)], minlength=len(EMOTIONS))
    table[EMOTIONS.index(label)] = found / len(probabilities)
  return table


def per_class(table: Float[np.ndarray, 'E E'],
              classes: Sequence[str] = EMOTIONS) -> dict[str, float]:
  """Accuracy of each emotion from a sum of `confusion` tables: the mean share of frames right,
  nan for emotions without clips and for those that are not among the scorer's `classes`."""
  clips = table.sum(1)
  return {name: float(table[i, i] / clips[i]) if clips[i] and name in classes else float('nan')
          for i, name in enumerate(EMOTIONS)}


def coverage(table: Float[np.ndarray, 'E E'], classes: Sequence[str] = EMOTIONS) -> float:
  """Share of clips whose emotion is among the scorer's `classes`; nan for no clips."""
  clips = table.sum(1)
  known = np.array([name in classes for name in EMOTIONS])
  return float(clips[known].sum() / clips.sum()) if clips.any() else float('nan')


def _decisions(scores) -> Int[np.ndarray, '*B']:
  # arg-max finds nan greatest: a broken scorer would silently vote for one class.
  if not np.isfinite(scores).all():
    raise ValueError('emotion probabilities are not finite')
  return np.asarray(scores).argmax(-1)
