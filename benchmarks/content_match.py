"""How well clips that say the same are found by their sound.

  python -m benchmarks.content_match --data DATA --dataset synth_mead/mead_quickstart
  python -m benchmarks.content_match --mead MEAD

With a dataset whose sentences are known: the share of paired clips that do say the same (precision)
and the share of clips that say the same that are paired (recall), in one world where every sentence
is said with every emotion, and in one like MEAD, where most sentences belong to one emotion. With
MEAD itself nobody knows the truth: how many clips are labelled, and how often those of the same
number in neutral speech, which is believed to repeat, go together.
"""

import argparse
import itertools
import time
from collections import Counter, defaultdict

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.topology import EMOTIONS
from tfds_builders.mead.content import CONFIDENT, label_content, spoken_cepstra
from tfds_builders.mead.matching import match_clips
from tfds_builders.mead.tree import list_mead_audio, take_of


def pairs_of(labels):
  """Pairs of places with the same label; places without one are in none."""
  places = defaultdict(list)
  for place, label in enumerate(labels):
    if label:
      places[label].append(place)
  return {pair for group in places.values() for pair in itertools.combinations(group, 2)}


def report(name, found, true, labelled, count, seconds):
  """One line."""
  right = len(found & true)
  print(f'{name}: {count} clips, {labelled} labelled, precision {right / max(1, len(found)):.3f}, '
        f'recall {right / max(1, len(true)):.3f}, {seconds:.0f} s')


def known(data, dataset, processes):
  """The two worlds made of a dataset's clips."""
  clips = Clips(data, dataset)
  table, shared = clips.table, sorted(set(clips.table['sentence']))
  cell = np.array([f'{s}/{e}' for s, e in zip(table['speaker'], table['emotion'])])
  # Like MEAD: two sentences are everybody's; each other one is said with one emotion only.
  own = {sentence: i % len(EMOTIONS) for i, sentence in enumerate(shared[2:])}
  mead = np.array([s not in own or own[s] == e
                   for s, e in zip(table['sentence'], table['emotion'])])
  for name, keep in (('every sentence with every emotion', np.ones(len(clips), bool)),
                     ('most sentences with one emotion', mead)):
    index = np.flatnonzero(keep)
    start = time.perf_counter()
    tracks = [spoken_cepstra(load_wav16(clips[i]['audio'])) for i in index]
    groups, confidence = match_clips(tracks, table['speaker'][index], cell[index], processes)
    labels = [f'g{g}' if c >= CONFIDENT else '' for g, c in zip(groups, confidence)]
    report(name, pairs_of(labels), pairs_of(table['sentence'][index].tolist()),
           sum(map(bool, labels)), len(index), time.perf_counter() - start)


def unknown(root, processes):
  """What can be said of MEAD."""
  entries, problems = list_mead_audio(root)
  start = time.perf_counter()
  labelled, rows = label_content(root, entries, processes=processes)
  sizes = Counter(e.sentence for e in labelled if e.sentence)
  print(f'{len(entries)} clips, {sum(sizes.values())} labelled in {len(sizes)} groups, '
        f'{time.perf_counter() - start:.0f} s; {len(problems)} other files')
  neutral = [e for e in labelled if e.emotion == 'neutral']
  found = pairs_of([e.sentence for e in neutral])
  number = pairs_of([take_of(e).number for e in neutral])
  print(f'neutral speech: {len(found & number)} of {len(found)} pairs have the same number, of '
        f'{len(number)} pairs that have it')


def main():
  """Prints a line for each world."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--data')
  parser.add_argument('--dataset', default='synth_mead/mead_quickstart')
  parser.add_argument('--mead')
  parser.add_argument('--processes', type=int, default=2)
  args = parser.parse_args()
  if args.data:
    known(args.data, args.dataset, args.processes)
  if args.mead:
    unknown(args.mead, args.processes)


if __name__ == '__main__':
  main()
