"""The paper's Table II on any clips dataset: who speaks to which references, and how it scored."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import scoring
from cemnet_jax.metrics.emotion_accuracy import EmotionClassifier
from cemnet_jax.metrics.psnr_ssim import image_scores
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, EMOTIONS, NEUTRAL

PROTOCOLS = ('neutral_base', 'cross_emotion')
SPLITS = ('test', 'test_sentence')  # unseen speakers; unseen sentences of seen speakers
TRUTH, COPY = 'ground truth', 'copy of the reference mouth'
ORACLE = 'true landmarks, drawn by the renderer'


class Case(NamedTuple):
  """Global indices of the clip whose speech, pose and upper face drive, and of the reference."""
  driving: int
  reference: int


class References(NamedTuple):
  """N frames of the reference clip: pictures and landmarks in the crop."""
  images: UInt8[np.ndarray, 'N H W 3']
  landmarks: Float[np.ndarray, 'N 131 2']


class Method(NamedTuple):
  """A way to make a mouth, and pictures of it, from a driving clip (a record) and references.

  predict: (clip, References) -> content points (T, 57, 2) in the crop.
  render: (clip, References, content (T, 57, 2), frames (F,)) -> uint8 pictures (F, H, W, 3) of
    those frames, or None where the method draws nothing.
  """
  name: str
  predict: Callable
  render: Callable | None = None


class Settings(NamedTuple):
  """How much to measure.

  Attributes:
    repetitions: each draws other references.
    references: pictures of the speaker given to a method.
    clips: how many of a split, drawn by the seed; 0 for all.
    rendered_clips, rendered_frames: how many of these are drawn for PSNR and SSIM, and how many
      frames of each.
  """
  protocols: Sequence[str] = PROTOCOLS
  splits: Sequence[str] = SPLITS
  repetitions: int = 5
  references: int = 5
  clips: int = 0
  rendered_clips: int = 64
  rendered_frames: int = 16
  seed: int = 0


def draw_cases(clips: Clips, split: str, protocol: str, seed: int) -> list[Case]:
  """One case per clip of the split, with a reference clip drawn by `seed`.

  The reference is of the same speaker, says another sentence where there is one, and shows the
  neutral face (`neutral_base`) or an emotion drawn among those that the speech does not carry
  (`cross_emotion`). References of `test_sentence` are training clips. A clip whose speaker has no
  such reference is left out.

  Raises:
    UserError: no clip of the split has a reference.
  """
  table = clips.table
  pool = np.asarray(clips.ranges['train' if split == 'test_sentence' else split], int)
  cases = []
  for driving in clips.ranges[split]:
    rng = np.random.default_rng([seed, PROTOCOLS.index(protocol), driving])
    mine = pool[(table['speaker_index'][pool] == table['speaker_index'][driving])
                & (pool != driving)]
    if protocol == 'neutral_base':
      mine = mine[table['emotion'][mine] == NEUTRAL]
    else:
      mine = mine[table['emotion'][mine] != table['emotion'][driving]]
      if len(mine):
        mine = mine[table['emotion'][mine] == rng.choice(np.unique(table['emotion'][mine]))]
    others = mine[table['sentence'][mine] != table['sentence'][driving]]
    if len(mine):
      cases.append(Case(int(driving), int(rng.choice(others if len(others) else mine))))
  if not cases:
    raise UserError(f'{clips.name} split {split}: no clip has a reference for {protocol}; '
                    'evaluate another split or a dataset with several emotions per speaker')
  return cases


def draw_references(clips: Clips, case: Case, count: int, seed: int) -> References:
  """`count` random frames of the case's reference clip; distinct while the clip has as many."""
  clip = clips[case.reference]
  total = len(clip['frames'])
  rng = np.random.default_rng([seed, case.driving, case.reference])
  frames = rng.choice(total, count, replace=total < count)
  return References(np.stack([decode_jpeg(clip['frames'][f]) for f in frames]),
                    clip['landmarks'][frames].astype(np.float32))


def fit_classifier(clips: Clips) -> EmotionClassifier:
  """The scorer of emotion accuracy: mouth and jaw landmarks of all training clips."""
  indices = clips.ranges['train']
  landmarks = [clips[i]['landmarks'] for i in indices]
  content = scoring.stable_content([x[:, CONTENT] for x in landmarks], landmarks)
  return EmotionClassifier.fit(content, clips.table['emotion'][np.asarray(indices)])


def evaluate(clips: Clips, methods: Sequence[Method], settings: Settings,
             progress: Callable[[str], None] = lambda line: None) -> list[dict]:
  """Scores of every method, of the ground truth and of a copied reference mouth.

  Pose and upper face come from the driving clip, as in the paper's Appendix C.

  Raises:
    UserError: none of the splits has clips, or none of a split's clips a reference.

  Returns:
    One dict per protocol, split, repetition and method: those names, `clips` (their number),
    `frames` drawn, and the metrics. A metric that was not measured is absent.
  """
  classifier = fit_classifier(clips)
  rows = []
  for split in settings.splits:
    if not len(clips.ranges[split]):
      progress(f'{split}: the dataset has no such clips')
      continue
    for protocol in settings.protocols:
      for repetition in range(settings.repetitions):
        progress(f'{protocol}, {split}, references {repetition + 1} of {settings.repetitions}')
        keys = {'protocol': protocol, 'split': split, 'repetition': repetition}
        rows += [{**keys, **row} for row in _repetition(
          clips, methods, classifier, settings, split, protocol, settings.seed + repetition)]
  if not rows:
    raise UserError(f'{clips.name} has no clips in {", ".join(settings.splits)}: '
                    'evaluate another split')
  return rows


def _repetition(clips, methods, classifier, settings, split, protocol, seed):
  cases = draw_cases(clips, split, protocol, seed)
  if settings.clips:
    keep = np.random.default_rng([seed, 3]).permutation(len(cases))[:settings.clips]
    cases = [cases[i] for i in np.sort(keep)]
  references = [draw_references(clips, case, settings.references, seed) for case in cases]
  driving = [clips[case.driving] for case in cases]
  landmarks = [clip['landmarks'].astype(np.float32) for clip in driving]
  truth = [points[:, CONTENT] for points in landmarks]
  copied = scoring.copied_content([r.landmarks for r in references], landmarks)
  predictions = {m.name: [] for m in methods}
  for clip, shown in zip(driving, references):  # clip by clip: methods share what it takes
    for method in methods:
      predictions[method.name].append(method.predict(clip, shown))
  drawn = np.random.default_rng([seed, 7]).permutation(len(cases))[:settings.rendered_clips]

  def pictures(method, contents):
    return _picture_scores(method, [(driving[i], references[i], contents[i]) for i in drawn],
                           settings.rendered_frames)

  rows = []
  for name, contents in {TRUTH: truth, COPY: copied, **predictions}.items():
    method = next((m for m in methods if m.name == name), None)
    scores = scoring.landmark_scores(
      contents, landmarks, [int(clip['emotion']) for clip in driving], classifier)
    rows.append({'method': name, 'clips': len(cases), **scores,
                 **(pictures(method, contents) if method else {})})
  rows[0] |= {'psnr': float('inf'), 'ssim': 1., 'psnr_lower': float('inf'), 'ssim_lower': 1.}
  painter = next((m for m in methods if m.render), None)
  if painter:
    rows.append({'method': ORACLE, 'clips': len(cases), **pictures(painter, truth)})
  return rows


def _picture_scores(method, chosen, count):
  if method.render is None or not chosen or not count:
    return {}
  scores, total = [], 0
  for clip, references, content in chosen:
    frames = np.unique(np.linspace(0, len(clip['frames']) - 1, count).round().astype(int))
    truth = np.stack([decode_jpeg(clip['frames'][f]) for f in frames])
    scores.append(image_scores(method.render(clip, references, content, frames), truth))
    total += len(frames)
  return {'frames': total, **{k: float(np.mean([s[k] for s in scores])) for k in scores[0]}}


def conflicting_pairs(count: int) -> list[tuple[int, int]]:
  """`count` fixed (reference emotion, speech emotion) pairs that plainly conflict, for videos."""
  named = [('sad', 'happy'), ('happy', 'angry'), ('surprised', 'sad'), ('disgusted', 'surprised'),
           ('angry', 'fear'), ('happy', 'disgusted'), ('neutral', 'happy'), ('fear', 'contempt')]
  return [(EMOTIONS.index(a), EMOTIONS.index(b)) for a, b in named[:count]]
