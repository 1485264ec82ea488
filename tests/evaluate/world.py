"""A tiny set of clips as `data.source.Clips` serves them, made in memory."""

import numpy as np

from cemnet_jax.preprocess.crop import encode_jpeg
from cemnet_jax.topology import CONTENT, NEUTRAL, STABLE, STABLE_TEMPLATE

EMOTIONS = (0, 4, NEUTRAL)
SIZE = 32


class World:
  """Clips of 3 train and 2 test speakers, 3 emotions, 2 sentences.

  An emotion shifts and widens the lips; the head drifts; sentence 1 of train speakers is held out.
  """
  name = 'world'
  without_people = ()

  def __init__(self, emotions=EMOTIONS):
    rng = np.random.default_rng(0)
    face = rng.uniform(.3, .7, (131, 2))
    face[STABLE] = .5 + .2 * np.asarray(STABLE_TEMPLATE) / np.ptp(STABLE_TEMPLATE)
    moves = {e: .04 * rng.normal(size=(57, 2)) for e in emotions}
    keys = ([('train', s, e, 0) for s in range(3) for e in emotions]
            + [('test', s, e, w) for s in (3, 4) for e in emotions for w in (0, 1)]
            + [('test_sentence', s, e, 1) for s in range(3) for e in emotions])
    self.clips = [self.make(rng, face, moves[e], e, s, 24 + 3 * w) for _, s, e, w in keys]
    splits = [k[0] for k in keys]
    self.ranges = {s: range(splits.index(s), splits.index(s) + splits.count(s)) if s in splits
                   else range(0) for s in ('train', 'val', 'test', 'test_sentence')}
    self.table = {'speaker_index': np.array([k[1] for k in keys]),
                  'emotion': np.array([k[2] for k in keys]),
                  'intensity': np.array([1 + k[3] for k in keys]),
                  'id': np.array([f'{k[0]}_{k[1]}_{k[2]}_{k[3]}' for k in keys]),
                  'sentence': np.array([f's{k[3]}' for k in keys])}

  @staticmethod
  def make(rng, face, move, emotion, speaker, length):
    landmarks = np.repeat(face[None], length, 0)
    landmarks[:, CONTENT] += move
    landmarks[:, CONTENT[-20:], 1] += .02 * rng.random((length, 1))
    landmarks += np.linspace(0, .05, length)[:, None, None]
    frames = [encode_jpeg(rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8))
              for _ in range(length)]
    return {'landmarks': landmarks.astype(np.float16), 'frames': frames, 'emotion': emotion,
            'speaker': str(speaker),
            'crop_box': np.tile(np.float32([0, 0, SIZE, SIZE]), (length, 1)),
            'audio': rng.integers(-3000, 3000, length * 640).astype(np.int16)}

  def __getitem__(self, i):
    return self.clips[i]
