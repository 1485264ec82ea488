"""Everything that is measured of cases made by one method."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import scorers as scoring
from cemnet_jax.evaluate.cases import Case, References, draw_references
from cemnet_jax.evaluate.methods import Method
from cemnet_jax.evaluate.records import Record
from cemnet_jax.evaluate.stable import stable_content
from cemnet_jax.infer import paste
from cemnet_jax.metrics import emotion_recognition, lmd
from cemnet_jax.metrics.csim import csim
from cemnet_jax.metrics.emotion_accuracy import EmotionClassifier
from cemnet_jax.metrics.jitter import jitter
from cemnet_jax.metrics.lse import lse
from cemnet_jax.metrics.mouth_opening import content_opening
from cemnet_jax.metrics.psnr_ssim import image_scores
from cemnet_jax.metrics.silence import silence_motion, silent_frames
from cemnet_jax.metrics.sync_offset import lip_sync
from cemnet_jax.metrics.tally import Tally
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, EMOTIONS, UNKNOWN

FID_FRAMES = 16  # of a clip: neighbouring frames show the same
KEPT_CLIPS = 64  # real clips whose pictures and scores are kept for the next method

# What `landmark_scores` tells, and no pictures are needed for.
LANDMARK_SCORES = ('m_lmd', 'm_lmd_plain', 'f_lmd', 'ea_landmarks', 'offset_ms', 'gap_correlation',
                   'silence', 'jitter')


class Truth(NamedTuple):
  """The real driving clip, as far as it was needed."""
  frames: UInt8[np.ndarray, 'T H W 3']
  regions: Bool[np.ndarray, 'T H W']  # pixels that every method changes
  seen: scoring.Seen
  heard: Float[np.ndarray, 'V D'] | None


class Question(NamedTuple):
  """What N cases of one driving clip give to every method."""
  cases: Sequence[Case]
  clip: dict
  references: Sequence[References]
  landmarks: Float[np.ndarray, 'T 131 2']  # of the clip
  silent: Bool[np.ndarray, ' T']


class Judge:
  """Measures cases against the real clips, in several threads if need be.

  `references` pictures are given to a method; `frames` of each drawn clip are made, 0 for all.
  Only with all of them do the scorers look: sync and motion need neighbours. Nothing is said of how
  emotions are told where the clip's own is unknown or there is no `classifier`.
  """

  def __init__(self, clips: Clips, scorers: scoring.Scorers, classifier: EmotionClassifier | None,
               references: int = 5, frames: int = 0):
    self._clips, self._scorers, self._classifier = clips, scorers, classifier
    self._count, self._frames = references, frames
    self._truths, self._real, self._lock = OrderedDict(), OrderedDict(), threading.Lock()

  def questions(self, groups: Sequence[Sequence[Case]]) -> list[Question]:
    """What groups of cases of one driving clip ask; the clip is read once for all of them."""
    clip = self._clips[groups[0][0].driving]
    landmarks = clip['landmarks'].astype(np.float32)
    silent = silent_frames(load_wav16(clip['audio']), len(landmarks))
    return [Question(cases, clip, [draw_references(self._clips, case, self._count)
                                   for case in cases], landmarks, silent) for cases in groups]

  def measure(self, question: Question, method: Method, drawn: Sequence[bool]) -> list[Record]:
    """Scores of the landmarks that a method predicts for each case and, where it is `drawn`, of the
    pictures that it makes."""
    count, clip = len(question.cases), question.clip
    contents, scores = [None] * count, [{}] * count
    if method.predict:
      asked = question.references[:1] if method.alike else question.references
      contents = method.predict(clip, asked)
      scores = landmark_scores(contents, question.landmarks, question.silent, _emotion(clip),
                               self._classifier)
      if method.alike:
        contents, scores = np.repeat(contents, count, 0), scores * count
    return [self._drawn(question, method, *one) if pictures and method.render
            else _plain_record(one[-1])
            for pictures, *one in zip(drawn, question.references, contents, scores, strict=True)]

  def _drawn(self, question, method, references, content, scores) -> Record:
    """The record of a case with its pictures; `scores` of its landmarks are known."""
    clip, landmarks = question.clip, question.landmarks
    if self._frames:
      some = np.unique(np.linspace(0, len(landmarks) - 1, self._frames).round().astype(int))
      real = np.stack([decode_jpeg(clip['frames'][i]) for i in some])
      frames = method.render(clip, references, content, some)
      return _plain_record(scores | image_scores(frames, real, _regions(landmarks[some], real)))
    frames = method.render(clip, references, content, np.arange(len(landmarks)))
    truth = self._kept(self._truths, question, self._truth)
    if np.array_equal(frames, truth.frames):  # as of the method `ground_truth`
      real = self._kept(self._real, question, lambda question: self._seen(
        question, truth.frames, truth.seen, truth))
      return real._replace(scores=scores | real.scores)
    made = self._seen(question, frames, scoring.see(self._scorers, frames), truth)
    return made._replace(scores=scores | made.scores)

  def _seen(self, question, frames, seen, truth) -> Record:
    """Scores of pictures of the whole clip, in which the scorers saw this."""
    emotion = _emotion(question.clip)
    label = None if emotion is None else EMOTIONS[emotion]
    scores = (image_scores(frames, truth.frames, truth.regions)
              | picture_scores(seen, truth, question.silent, label))
    features, taken_for = np.zeros((0, 0), np.float16), ()
    if seen.features is not None:
      some = np.unique(np.linspace(0, len(frames) - 1, FID_FRAMES).round().astype(int))
      features = seen.features[some].astype(np.float16)
    if label and seen.emotion_lower is not None:
      classes = emotion_recognition.classes_of(seen.emotion_lower)
      table = emotion_recognition.confusion(seen.emotion_lower, label, classes)
      taken_for = tuple(float(x) for x in table[emotion])
    return Record(scores, taken_for, features)

  def _truth(self, question) -> Truth:
    clip = question.clip
    frames = np.stack([decode_jpeg(f) for f in clip['frames']])
    return Truth(frames, _regions(question.landmarks, frames), scoring.see(self._scorers, frames),
                 scoring.hear(self._scorers, clip['audio']))

  def _kept(self, known: OrderedDict, question, make):
    """What `make` tells of a question's driving clip, once as long as it is among the last few."""
    driving = question.cases[0].driving
    with self._lock:
      if driving in known:
        return known[driving]
    value = make(question)
    with self._lock:
      known[driving] = value
      if len(known) > KEPT_CLIPS:
        known.popitem(last=False)
    return value


def _regions(landmarks, frames) -> Bool[np.ndarray, 'T H W']:
  return np.stack([paste.pasted_region(points, frames.shape[1]) for points in landmarks])


def without_pictures(record: Record) -> Record:
  """The record of a case as if it had not been drawn."""
  return _plain_record({name: record.scores[name]
                        for name in LANDMARK_SCORES if name in record.scores})


def _plain_record(scores) -> Record:
  """Scores at which no scorer looked."""
  return Record(scores, (), np.zeros((0, 0), np.float16))


def _emotion(clip) -> int | None:
  """The emotion of a clip, None where nobody labelled it."""
  return None if clip['emotion'] == UNKNOWN else int(clip['emotion'])


def landmark_scores(
    contents: Float[np.ndarray, 'N T 57 2'], landmarks: Float[np.ndarray, 'T 131 2'],
    silent: Bool[np.ndarray, ' T'], emotion: int | None, classifier: EmotionClassifier | None,
    ) -> list[dict[str, Tally]]:
  """Scores of N times predicted content points, in the crop, against the real clip's landmarks.

  m_lmd (centred, EAT's), m_lmd_plain, f_lmd: px of a 256 face. ea_landmarks: whether `classifier`
  finds the emotion, where both are given. offset_ms, gap_correlation of the lip gap; silence,
  jitter in px of a 256 face.
  """
  truth = landmarks[:, CONTENT]
  *stable, stable_truth = stable_content([*contents, truth], [landmarks] * (len(contents) + 1))
  gaps = lip_sync(np.stack([content_opening(framed) for framed in stable]),
                  content_opening(stable_truth))
  if emotion is None or classifier is None:
    told = [{}] * len(contents)
  else:
    told = [{'ea_landmarks': Tally(float(taken_for == emotion), 1.)}
            for taken_for in classifier.predicted(stable)]
  found = []
  for content, of_emotion, in_time in zip(contents, told, gaps, strict=True):
    whole = landmarks.copy()
    whole[:, CONTENT] = content
    found.append({
      'm_lmd': lmd.m_lmd(content, truth),
      'm_lmd_plain': lmd.m_lmd(content, truth, centred=False),
      'f_lmd': lmd.f_lmd(whole, landmarks), **of_emotion, **in_time,
      'silence': silence_motion(content, silent), 'jitter': jitter(content)})
  return found


def picture_scores(seen: scoring.Seen, truth: Truth, silent: Bool[np.ndarray, ' T'],
                   label: str | None) -> dict[str, Tally]:
  """Scores of pictures by what the scorers see in them and in the real clip.

  `label` is its emotion, None where nobody knows it.
  """
  scores = {}
  if seen.emotion is not None and label:
    classes = emotion_recognition.classes_of(seen.emotion)
    scores |= emotion_recognition.emotion_scores(seen.emotion, label, classes)
    lower = emotion_recognition.emotion_scores(seen.emotion_lower, label, classes)
    scores |= {f'{name}_lower': value for name, value in lower.items()}
  if seen.identity is not None:
    scores['csim'] = csim(seen.identity, truth.seen.identity)
  if seen.landmarks is not None:
    content, real = seen.landmarks[:, CONTENT], truth.seen.landmarks[:, CONTENT]
    scores |= {
      'm_lmd_seen': lmd.m_lmd(content, real),
      'f_lmd_seen': lmd.f_lmd(seen.landmarks, truth.seen.landmarks),
      'silence_seen': silence_motion(content, silent), 'jitter_seen': jitter(content)}
  if seen.lips is not None and truth.heard is not None:
    blocks = min(len(seen.lips), len(truth.heard))
    scores |= lse(seen.lips[:blocks], truth.heard[:blocks])
  return scores
