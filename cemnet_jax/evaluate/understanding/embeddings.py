"""E_e of whole utterances before and after stage `aee`: what is left of the speaker in them?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.charts import chart, look
from cemnet_jax.infer import forward
from cemnet_jax.preprocess.audio import load_wav16, mfcc_windows
from cemnet_jax.topology import EMOTIONS, UNKNOWN

STAGES = {'audio_emotion': 'before: audio_emotion', 'aee': 'after: aee'}
FOLDS = 4  # of sentences, to probe for the speaker
PERPLEXITY = 30  # of t-SNE, less for few clips


class Probed(NamedTuple):
  """One stage's embeddings of n clips of unseen speakers and what a linear probe reads from them.

  Attributes:
    points: t-SNE of the embeddings.
    emotion: accuracy of a probe fitted to training speakers; nan for one emotion.
    speaker: accuracy over sentences that the probe has not seen; nan for one speaker or sentence.
  """
  points: Float[np.ndarray, 'n 2']
  emotion: float
  speaker: float


def embed(clips: Clips, voice: forward.Net, indices: Sequence[int]) -> Float[np.ndarray, 'n D']:
  """Mean E_e over the windows of each clip's speech."""
  speech = (load_wav16(clips[i]['audio']) for i in indices)
  return np.concatenate([np.asarray(forward.utterance_emotion(voice, mfcc_windows(wav)))
                         for wav in speech])


def some_of(clips: Clips, split: str, limit: int) -> Int[np.ndarray, ' n']:
  """At most `limit` clips of a split whose emotion is known, drawn with a fixed seed; all for 0."""
  indices = np.asarray(clips.ranges[split], int)
  indices = indices[clips.table['emotion'][indices] != UNKNOWN]
  if not limit or len(indices) <= limit:
    return indices
  return np.sort(np.random.default_rng(0).choice(indices, limit, replace=False))


def probe(clips: Clips, voice: forward.Net, seen: Sequence[int], unseen: Sequence[int]) -> Probed:
  """Embeds clips of training speakers and of unseen speakers and probes them."""
  fitted, tested = embed(clips, voice, seen), embed(clips, voice, unseen)
  table = clips.table
  return Probed(
    project(tested),
    emotion_probe(fitted, table['emotion'][seen], tested, table['emotion'][unseen]),
    speaker_probe(tested, table['speaker_index'][unseen], table['sentence'][unseen]))


def emotion_probe(fitted: Float[np.ndarray, 'm D'], fitted_labels: Int[np.ndarray, ' m'],
                  tested: Float[np.ndarray, 'n D'], labels: Int[np.ndarray, ' n']) -> float:
  """Accuracy on `tested` of a logistic regression fitted to other clips; nan for one emotion."""
  if len(np.unique(fitted_labels)) < 2:
    return float('nan')
  return float(_probe().fit(fitted, fitted_labels).score(tested, labels))


def speaker_probe(embeddings: Float[np.ndarray, 'n D'], speakers: Int[np.ndarray, ' n'],
                  sentences: Sequence[str]) -> float:
  """Accuracy over held-out sentences of a logistic regression that tells speakers apart."""
  folds = min(FOLDS, len(np.unique(sentences)))
  if folds < 2 or len(np.unique(speakers)) < 2:
    return float('nan')
  return float(cross_val_score(_probe(), embeddings, speakers, groups=sentences,
                               cv=GroupKFold(folds)).mean())


def _probe():
  return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def project(embeddings: Float[np.ndarray, 'n D']) -> Float[np.ndarray, 'n 2']:
  """t-SNE of standardised embeddings, the same at every call."""
  scaled = StandardScaler().fit_transform(embeddings)
  perplexity = min(PERPLEXITY, max(1, (len(scaled) - 1) / 3))
  with threadpool_limits(1):  # threads add up in any order
    return TSNE(init='pca', perplexity=perplexity, random_state=0).fit_transform(scaled)


def summary(probed: Probed) -> dict:
  """The accuracies as plain data, None where nothing was to tell apart."""
  return {f'{kind}_probe': value if np.isfinite(value) else None
          for kind, value in (('emotion', probed.emotion), ('speaker', probed.speaker))}


def draw(probed: dict[str, Probed], emotions: Int[np.ndarray, ' n'],
         speakers: Sequence[str], path) -> None:
  """One row per stage, the points coloured by emotion and by speaker."""
  names = [EMOTIONS[e] for e in emotions]
  colourings = (('emotion', names), ('speaker', list(speakers)))
  with chart(path, 9.5, .9 + 3.9 * len(probed)) as figure:
    axes = figure.subplots(len(probed), 2, squeeze=False)
    for row, (stage, found) in zip(axes, probed.items()):
      for axis, (kind, labels) in zip(row, colourings):
        _scatter(axis, found.points, labels)
        title = f'{STAGES[stage]}, by {kind}'
        if np.isfinite(accuracy := getattr(found, kind)):
          title += (f'\n{kind} probe {100 * accuracy:.1f} % '
                    f'(chance {100 / len(set(labels)):.1f} %)')
        axis.set_title(title)
    for axis in axes[-1]:
      axis.legend(loc='upper center', bbox_to_anchor=(.5, -.02), ncols=4, columnspacing=1,
                  handletextpad=.2, fontsize=8)


def _scatter(axis, points, labels):
  for number, label in enumerate(sorted(set(labels))):
    mine = points[[x == label for x in labels]]
    axis.plot(*mine.T, ls='none', ms=5, mec='black', mew=.3, label=label, **look(number))
  axis.set(xticks=[], yticks=[])
  axis.spines[:].set_visible(True)
