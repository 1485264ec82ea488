"""How separable speaker and emotion are in raw features, printed by
`python -m cemnet_jax.preprocess.synthetic.probe`.

A linear probe sees only the mean MFCC of each clip. The paper's problem exists in a world where it
finds the speaker easily, but the emotion of a speaker it has not heard badly.
"""

import argparse
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cemnet_jax.preprocess.audio import mfcc
from cemnet_jax.preprocess.synthetic.sentences import SENTENCES
from cemnet_jax.preprocess.synthetic.speech import make_voice, speak
from cemnet_jax.topology import EMOTIONS


class Accuracies(NamedTuple):
  """Shares of clips that the probe names rightly."""
  speaker: float  # of heard speakers in unseen sentences, chance 1 / speakers
  emotion_seen: float  # of heard speakers in unseen sentences, chance 1 / 8
  emotion_unseen: float  # of unseen speakers, sentences and takes, chance 1 / 8


def linear_probe(
    features: Float[np.ndarray, 'B D'], labels: Int[np.ndarray, ' B'],
    test: Float[np.ndarray, 'X D'],
) -> Int[np.ndarray, ' X']:
  """Labels of `test` by linear discriminant analysis: one shared covariance, equal priors."""
  classes = np.unique(labels)
  means = np.stack([features[labels == c].mean(axis=0) for c in classes])
  within = features - means[np.searchsorted(classes, labels)]
  weights = np.linalg.pinv(within.T @ within / len(features), rcond=1e-9, hermitian=True) @ means.T
  scores = test @ weights - 0.5 * np.sum(means.T * weights, axis=0)
  return classes[np.argmax(scores, axis=1)]


def measure(speakers: int = 12, sentences: int = 9, intensity: int = 3) -> Accuracies:
  """Speaks `sentences` sentences by `speakers` voices in all emotions and probes the clips.

  A third of the sentences is held out for both probes; unseen speakers come as four folds.
  """
  clips = [(speaker, emotion, sentence) for speaker in range(speakers)
           for emotion in range(len(EMOTIONS)) for sentence in range(sentences)]
  features = np.stack([
    mfcc(speak(make_voice(speaker), SENTENCES[sentence][1], EMOTIONS[emotion], intensity,
               (sentence,)).pcm).mean(axis=0)
    for speaker, emotion, sentence in clips])
  speaker, emotion, sentence = np.array(clips).T
  held_out = sentence >= sentences - max(1, sentences // 3)

  def accuracy(labels, train, test):
    return np.mean(linear_probe(features[train], labels[train], features[test]) == labels[test])

  folds = [speaker % 4 == fold for fold in range(4)] if speakers >= 8 else [
    speaker == one for one in range(speakers)]
  unseen = [accuracy(emotion, ~fold & ~held_out, fold & held_out) for fold in folds]
  return Accuracies(speaker=float(accuracy(speaker, ~held_out, held_out)),
                    emotion_seen=float(accuracy(emotion, ~held_out, held_out)),
                    emotion_unseen=float(np.mean(unseen)))


def main():
  """Prints the accuracies of a probe on clips of the synthetic voices."""
  parser = argparse.ArgumentParser(description=main.__doc__)
  parser.add_argument('--speakers', type=int, default=12)
  parser.add_argument('--sentences', type=int, default=9)
  parser.add_argument('--intensity', type=int, default=3, choices=(1, 2, 3))
  args = parser.parse_args()
  found = measure(args.speakers, args.sentences, args.intensity)
  print(f'linear probe on mean MFCC, {args.speakers} speakers x {len(EMOTIONS)} emotions x '
        f'{args.sentences} sentences')
  print(f'speaker, unseen sentences        {found.speaker:.3f}   chance {1 / args.speakers:.3f}')
  print(f'emotion, unseen sentences        {found.emotion_seen:.3f}   chance 0.125')
  print(f'emotion, unseen speakers         {found.emotion_unseen:.3f}   chance 0.125')


if __name__ == '__main__':
  main()
