"""Settings of the synthetic worlds: who speaks, what, how, and how large the pictures are.

`mead_*` is a full grid: every speaker says every sentence with every emotion. `lrs_*` has other
speakers, other sentences, and emotions as people show them in the wild.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cemnet_jax.preprocess.synthetic.sentences import (
  SENTENCES,
  SHORT_SENTENCES,
  TEXTS,
  phones_of,
  pseudo_sentence,
)
from cemnet_jax.topology import EMOTIONS

SPLITS = ('train', 'val', 'test', 'test_sentence')
SPLIT_SEED = 2508  # which speakers are held out: recorded in the metadata of every dataset
FIRST_LRS_SPEAKER = 1000  # `mead` speakers are below, `lrs` speakers from here on
_WORLD_STREAM, _SPLIT_STREAM = 51, 52

# Share of each emotion in `lrs`: talk on television is calm, then friendly.
WILD_EMOTIONS = dict(neutral=.40, happy=.20, angry=.10, sad=.09, surprised=.08, fear=.05,
                     disgusted=.04, contempt=.04)
WILD_INTENSITY = {1: .65, 2: .35}


class ClipKey(NamedTuple):
  """One clip of a world; it can be made alone, in any order, in any process."""
  speaker: int
  emotion: str
  intensity: int
  sentence: str  # content key of the sentence list, or number of a pseudo-sentence
  take: int = 0


@dataclass(frozen=True)
class World:
  """Settings of one dataset; lengths are px, speakers are counts.

  Attributes:
    kind: 'mead' or 'lrs'.
    scene: side of the drawn picture; it is drawn `supersample` times larger and shrunk.
    crop: side of the stored face crop.
    speakers: how many in (train, val, test).
    sentences: how many in (train, test_sentence) of `mead`; (clips per speaker, 0) of `lrs`.
    levels: intensities of every emotion but neutral, which has level 1 only.
    short: `mead` says SHORT_SENTENCES (under a second) instead of SENTENCES.
    syllables: least and most in a pseudo-sentence of `lrs`.
  """
  name: str
  kind: str
  scene: int
  crop: int
  supersample: int
  speakers: tuple[int, int, int]
  sentences: tuple[int, int]
  levels: tuple[int, ...] = (3,)
  short: bool = False
  syllables: tuple[int, int] = (6, 8)
  jpeg_quality: int = 92

  def speaker_ids(self) -> dict[str, list[int]]:
    """Speaker numbers of the train, val and test splits, drawn by `SPLIT_SEED`."""
    random = np.random.Generator(np.random.PCG64([_SPLIT_STREAM, SPLIT_SEED]))
    base = FIRST_LRS_SPEAKER if self.kind == 'lrs' else 0
    order = base + random.permutation(sum(self.speakers))
    ends = np.cumsum(self.speakers)
    parts = np.split(order, ends[:-1])
    return {s: sorted(map(int, p)) for s, p in zip(SPLITS[:3], parts, strict=True)}

  def speaker_indices(self) -> dict[int, int]:
    """Speaker number -> index over the dataset, train speakers first."""
    groups = self.speaker_ids()
    return {s: i for i, s in enumerate(groups['train'] + groups['val'] + groups['test'])}

  def keys(self, split: str) -> list[ClipKey]:
    """Clips of a split, in the order of their records."""
    speakers = self.speaker_ids()['train' if split == 'test_sentence' else split]
    if self.kind == 'lrs':
      return [] if split == 'test_sentence' else [
        key for speaker in speakers for key in self._wild_keys(speaker)]
    train, held_out = self.sentences
    corpus = [key for key, _ in (SHORT_SENTENCES if self.short else SENTENCES)[:train + held_out]]
    sentences = corpus[train:] if split == 'test_sentence' else corpus[:train]
    return [ClipKey(speaker, emotion, level, sentence)
            for speaker in speakers for emotion in EMOTIONS
            for level in ((1,) if emotion == 'neutral' else self.levels) for sentence in sentences]

  def words(self, key: ClipKey) -> tuple[str, list[str]]:
    """Text and phones of a clip's sentence."""
    if self.kind == 'mead':
      return TEXTS[key.sentence], phones_of(TEXTS[key.sentence])
    number = int(key.sentence)
    low, high = self.syllables
    return pseudo_sentence((number,), low + number % (high - low + 1))

  def _wild_keys(self, speaker):
    random = np.random.Generator(np.random.PCG64([_WORLD_STREAM, speaker]))
    for number in range(self.sentences[0]):
      emotion = str(random.choice(list(WILD_EMOTIONS), p=list(WILD_EMOTIONS.values())))
      level = int(random.choice(list(WILD_INTENSITY), p=list(WILD_INTENSITY.values())))
      sentence = (speaker - FIRST_LRS_SPEAKER) * self.sentences[0] + number
      yield ClipKey(speaker, emotion, 1 if emotion == 'neutral' else level, f'{sentence:05d}')


def _worlds():
  debug = dict(scene=64, crop=32, supersample=1, speakers=(3, 2, 1), short=True, syllables=(2, 2))
  quick = dict(scene=96, crop=64, supersample=1)
  bench = dict(scene=144, crop=96, supersample=1)
  full = dict(scene=256, crop=128, supersample=2, syllables=(8, 20))
  return (
    World('lrs_debug', 'lrs', sentences=(3, 0), **debug),
    World('mead_debug', 'mead', sentences=(2, 1), **debug),
    World('lrs_quickstart', 'lrs', speakers=(32, 4, 4), sentences=(8, 0), **quick),
    World('mead_quickstart', 'mead', speakers=(16, 2, 4), sentences=(8, 1), **quick),
    World('lrs_full', 'lrs', speakers=(200, 20, 20), sentences=(48, 0), **full),
    # Enough speakers, and all intensities, for a clear answer on two CPU cores overnight: what a
    # system loses on unseen speakers, it loses for want of speakers, not of sentences.
    World('lrs_benchmark', 'lrs', speakers=(96, 6, 6), sentences=(8, 0), **bench),
    World('mead_benchmark', 'mead', speakers=(56, 4, 10), sentences=(5, 2), levels=(1, 2, 3),
          **bench),
    # MEAD's 40 / 8 split of 48 actors; 4 of the 40 choose models.
    World('mead_full', 'mead', speakers=(36, 4, 8), sentences=(30, 6), levels=(1, 2, 3), **full))


WORLDS = {world.name: world for world in _worlds()}
