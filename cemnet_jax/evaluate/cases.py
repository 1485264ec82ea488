"""Who speaks to which references: the cases of every protocol, drawn by a seed."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import EMOTIONS, NEUTRAL, UNKNOWN

SPLITS = ('test', 'test_sentence')  # unseen speakers; unseen sentences of seen speakers
# Every protocol -> how references are drawn; equal cases are measured once.
DRAWN = {'neutral_base': 'neutral', 'cross_emotion': 'cross', 'ablation': 'cross',
         'intensity': 'cross', 'lrs': 'same', 'matrix': 'each'}
_STREAMS = ('neutral', 'cross', 'same', 'each')


class Case(NamedTuple):
  """Global indices of the clip whose speech, pose and upper face drive, and of the reference.

  `seed` draws the frames of the reference.
  """
  driving: int
  reference: int
  seed: int = 0


class References(NamedTuple):
  """N frames of the reference clip: pictures, landmarks in the crop, the crops' boxes in px."""
  images: UInt8[np.ndarray, 'N H W 3']
  landmarks: Float[np.ndarray, 'N 131 2']
  boxes: Float[np.ndarray, 'N 4']


def draw_cases(clips: Clips, split: str, protocol: str, seed: int, limit: int = 0,
               repetition: int = 0) -> list[Case]:
  """The cases of a protocol on a split.

  The reference is of the same speaker, says another sentence where there is one, and shows

  - `neutral_base`: the neutral face;
  - `cross_emotion`, `ablation`, `intensity`: an emotion drawn among those that the speech does not
    carry;
  - `matrix`: each emotion in turn, that of the speech too;
  - `lrs`: the driving clip itself, as in the paper's Table III.

  References of `test_sentence` are training clips. A clip whose speaker has no such reference is
  left out, and but for `lrs` so are clips of unknown emotion.

  Args:
    limit: at most so many cases, of clips drawn by `seed`; of `matrix` so many in each cell. 0 for
      all. Protocols ask about the same clips as far as these have references.
    repetition: each draws other references for the same driving clips.

  Raises:
    UserError: no clip of the split has a reference.
  """
  how = DRAWN[protocol]
  stream = _STREAMS.index(how)
  shown = range(len(EMOTIONS)) if how == 'each' else (None,)
  by_cell = [_drawn(clips, split, how, stream, seed + repetition, emotion) for emotion in shown]
  if how == 'each':
    heard = clips.table['emotion']
    by_cell = [[c for c in cases if heard[c.driving] == e]
               for cases in by_cell for e in range(len(EMOTIONS))]
  cases = [case for cell in by_cell for case in _some(cell, limit, clips.ranges[split], seed)]
  if not cases:
    raise UserError(f'{clips.name} split {split}: no clip has a reference for {protocol}; '
                    'evaluate another split or a dataset whose labels tell several emotions of a '
                    'speaker')
  return cases


def _drawn(clips, split, how, stream, seed, emotion):
  table = clips.table
  pool = np.asarray(clips.ranges['train' if split == 'test_sentence' else split], int)
  cases = []
  for driving in clips.ranges[split]:
    if how == 'same':
      cases.append(Case(int(driving), int(driving), seed))
      continue
    if table['emotion'][driving] == UNKNOWN:
      continue
    rng = np.random.default_rng([seed, stream, driving, *([] if emotion is None else [emotion])])
    mine = pool[(table['speaker_index'][pool] == table['speaker_index'][driving])
                & (pool != driving) & (table['emotion'][pool] != UNKNOWN)]
    seen = table['emotion'][mine]
    if how == 'cross':
      others = np.unique(seen[seen != table['emotion'][driving]])
      wanted = rng.choice(others) if len(others) else -1
    else:
      wanted = NEUTRAL if how == 'neutral' else emotion
    mine = mine[seen == wanted]
    others = mine[table['sentence'][mine] != table['sentence'][driving]]
    if len(mine):
      reference = rng.choice(others if len(others) else mine)
      cases.append(Case(int(driving), int(reference), seed))
  return cases


def _some(cases, limit, split, seed):
  """Those whose driving clips come first in an order of the split's clips that `seed` shuffles."""
  if not limit or len(cases) <= limit:
    return cases
  place = np.argsort(np.random.default_rng([seed, 3]).permutation(len(split)))
  return sorted(sorted(cases, key=lambda case: place[case.driving - split.start])[:limit])


def draw_references(clips: Clips, case: Case, count: int) -> References:
  """`count` random frames of the case's reference clip; distinct while the clip has as many."""
  clip = clips[case.reference]
  frames = reference_frames(case, len(clip['frames']), count)
  return References(np.stack([decode_jpeg(clip['frames'][f]) for f in frames]),
                    clip['landmarks'][frames].astype(np.float32), clip['crop_box'][frames])


def reference_frames(case: Case, total: int, count: int) -> Int[np.ndarray, ' N']:
  """Which of the reference clip's `total` frames `draw_references` takes."""
  rng = np.random.default_rng([case.seed, case.driving, case.reference])
  return rng.choice(total, count, replace=total < count)


def conflicting_pairs(count: int) -> list[tuple[int, int]]:
  """`count` fixed (reference emotion, speech emotion) pairs that plainly conflict, for videos."""
  named = [('sad', 'happy'), ('happy', 'angry'), ('surprised', 'sad'), ('disgusted', 'surprised'),
           ('angry', 'fear'), ('happy', 'disgusted'), ('neutral', 'happy'), ('fear', 'contempt')]
  return [(EMOTIONS.index(a), EMOTIONS.index(b)) for a, b in named[:count]]
