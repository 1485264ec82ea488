"""Everything that is measured of one case made by one method."""

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import scorers as scoring
from cemnet_jax.evaluate.cases import Case, References, draw_references
from cemnet_jax.evaluate.methods import Method
from cemnet_jax.evaluate.records import Record
from cemnet_jax.evaluate.stable import stable_content
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
  seen: scoring.Seen
  heard: Float[np.ndarray, 'V D'] | None


class Question(NamedTuple):
  """What a case gives to every method."""
  case: Case
  clip: dict
  references: References


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
    self._truths, self._lock = OrderedDict(), threading.Lock()

  def question(self, case: Case) -> Question:
    """Reads the case's clips, once for all methods."""
    return Question(case, self._clips[case.driving],
                    draw_references(self._clips, case, self._count))

  def measure(self, question: Question, method: Method, drawn: bool) -> Record:
    """Scores of the landmarks that a method predicts and, if `drawn`, of the pictures it makes."""
    case, clip, references = question
    landmarks = clip['landmarks'].astype(np.float32)
    emotion = None if clip['emotion'] == UNKNOWN else int(clip['emotion'])
    label = None if emotion is None else EMOTIONS[emotion]
    silent = silent_frames(load_wav16(clip['audio']), len(landmarks))
    scores, content = {}, None
    if method.predict:
      content = method.predict(clip, references)
      scores = landmark_scores(content, landmarks, silent, emotion, self._classifier)
    if not (drawn and method.render):
      return _plain_record(scores)
    if self._frames:
      some = np.unique(np.linspace(0, len(landmarks) - 1, self._frames).round().astype(int))
      real = np.stack([decode_jpeg(clip['frames'][i]) for i in some])
      frames = method.render(clip, references, content, some)
      return _plain_record(scores | image_scores(frames, real))
    frames = method.render(clip, references, content, np.arange(len(landmarks)))
    truth = self._truth(case.driving, clip)
    same = np.array_equal(frames, truth.frames)  # as of the method `ground_truth`
    seen = truth.seen if same else scoring.see(self._scorers, frames)
    scores |= image_scores(frames, truth.frames) | picture_scores(seen, truth, silent, label)
    features, taken_for = np.zeros((0, 0), np.float16), ()
    if seen.features is not None:
      some = np.unique(np.linspace(0, len(frames) - 1, FID_FRAMES).round().astype(int))
      features = seen.features[some].astype(np.float16)
    if label and seen.emotion_lower is not None:
      classes = emotion_recognition.classes_of(seen.emotion_lower)
      table = emotion_recognition.confusion(seen.emotion_lower, label, classes)
      taken_for = tuple(float(x) for x in table[emotion])
    return Record(scores, taken_for, features)

  def _truth(self, driving, clip) -> Truth:
    with self._lock:
      if driving in self._truths:
        return self._truths[driving]
    frames = np.stack([decode_jpeg(f) for f in clip['frames']])
    truth = Truth(frames, scoring.see(self._scorers, frames),
                  scoring.hear(self._scorers, clip['audio']))
    with self._lock:
      self._truths[driving] = truth
      if len(self._truths) > KEPT_CLIPS:
        self._truths.popitem(last=False)
    return truth


def without_pictures(record: Record) -> Record:
  """The record of a case as if it had not been drawn."""
  return _plain_record({name: record.scores[name]
                        for name in LANDMARK_SCORES if name in record.scores})


def _plain_record(scores) -> Record:
  """Scores at which no scorer looked."""
  return Record(scores, (), np.zeros((0, 0), np.float16))


def landmark_scores(content: Float[np.ndarray, 'T 57 2'], landmarks: Float[np.ndarray, 'T 131 2'],
                    silent: Bool[np.ndarray, 'T'], emotion: int | None,
                    classifier: EmotionClassifier | None) -> dict[str, Tally]:
  """Scores of predicted content points, in the crop, against the real clip's landmarks.

  m_lmd (centred, EAT's), m_lmd_plain, f_lmd: px of a 256 face. ea_landmarks: whether `classifier`
  finds the emotion, where both are given. offset_ms, gap_correlation of the lip gap; silence,
  jitter in px of a 256 face.
  """
  truth = landmarks[:, CONTENT]
  whole = landmarks.copy()
  whole[:, CONTENT] = content
  stable, stable_truth = stable_content([content, truth], [landmarks, landmarks])
  told = {} if emotion is None or classifier is None else {
    'ea_landmarks': Tally(float(classifier.predict(stable) == emotion), 1.)}
  return {
    'm_lmd': lmd.m_lmd(content, truth), 'm_lmd_plain': lmd.m_lmd(content, truth, centred=False),
    'f_lmd': lmd.f_lmd(whole, landmarks),
    **told, **lip_sync(content_opening(stable), content_opening(stable_truth)),
    'silence': silence_motion(content, silent), 'jitter': jitter(content)}


def picture_scores(seen: scoring.Seen, truth: Truth, silent: Bool[np.ndarray, 'T'],
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
