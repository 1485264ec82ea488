import numpy as np
import pytest

from cemnet_jax.metrics import emotion_recognition as ea
from cemnet_jax.metrics.tally import EMPTY, Tally, mean, merge
from cemnet_jax.topology import EMOTIONS

# What deepface prints, in its order, and what we call it.
PRINTED = {'angry': 'angry', 'disgust': 'disgusted', 'fear': 'fear', 'happy': 'happy',
           'sad': 'sad', 'surprise': 'surprised', 'neutral': 'neutral'}


def one_hot(names, classes=EMOTIONS):
  """Frames that are certain of these classes."""
  return np.eye(len(classes))[[classes.index(n) for n in names]]


def softmax(rng, frames, classes):
  scores = np.exp(rng.normal(size=(frames, classes)))
  return scores / scores.sum(-1, keepdims=True)


def test_frame_accuracy_counts_frames():
  frames = one_hot(['happy', 'sad', 'happy', 'fear'])
  assert ea.frame_accuracy(frames, 'happy') == Tally(.5, 1)
  assert ea.frame_accuracy(frames, 'angry') == Tally(0, 1)
  assert ea.frame_accuracy(frames[:0], 'happy') == EMPTY == ea.clip_accuracy(frames[:0], 'happy')


def test_clip_accuracy_weighs_certainty_where_frames_only_vote():
  classes = 'happy', 'sad'
  frames = np.array([[.9, .1], [.9, .1], [.001, .999]])  # two votes, one stronger objection
  assert frames[:, 0].mean() > .5 and np.prod(frames[:, 0]) < np.prod(frames[:, 1])
  assert ea.clip_accuracy(frames, 'sad', classes) == Tally(1, 1)
  assert mean(ea.frame_accuracy(frames, 'sad', classes)) == pytest.approx(1 / 3)
  certain = one_hot(['sad', 'sad', 'happy'], classes)  # log 0 must not end in a tie of nan
  assert ea.clip_accuracy(certain, 'sad', classes) == Tally(1, 1)


def test_deepface_order_reaches_our_names():
  assert ea.DEEPFACE == tuple(PRINTED.values())
  for i, name in enumerate(PRINTED.values()):
    frames = np.eye(7)[[i, i]]
    assert ea.frame_accuracy(frames, name, ea.DEEPFACE) == Tally(1, 1)
    table = ea.confusion(frames, name, ea.DEEPFACE)
    assert table[EMOTIONS.index(name), EMOTIONS.index(name)] == 1 == table.sum()


def test_contempt_is_left_out_of_the_main_number_and_is_disgust_in_the_second():
  frames = one_hot(['disgusted', 'disgusted', 'angry', 'disgusted'], ea.DEEPFACE)
  scores = ea.emotion_scores(frames, 'contempt', ea.DEEPFACE)
  assert scores == {'ea': EMPTY, 'ea_clip': EMPTY,
                    'ea_merged': Tally(.75, 1), 'ea_clip_merged': Tally(1, 1)}
  knows = ea.emotion_scores(one_hot(['disgusted'] * 2), 'contempt')
  assert set(knows.values()) == {Tally(0, 1)}  # a scorer with contempt is held to it
  usual = ea.emotion_scores(frames, 'disgusted', ea.DEEPFACE)
  assert usual['ea'] == usual['ea_merged'] == Tally(.75, 1)


def test_confusion_tables_add_up_to_the_accuracies():
  rng = np.random.default_rng(0)
  labels = [*ea.DEEPFACE, 'contempt', 'happy', 'sad']
  clips = [softmax(rng, rng.integers(3, 9), 7) for _ in labels]
  table = sum(ea.confusion(c, k, ea.DEEPFACE) for c, k in zip(clips, labels))
  assert table.sum(1) == pytest.approx([labels.count(name) for name in EMOTIONS])
  assert table[:, EMOTIONS.index('contempt')].sum() == 0
  assert ea.coverage(table, ea.DEEPFACE) == pytest.approx(.9)
  assert ea.coverage(table) == pytest.approx(1)
  by_class = ea.per_class(table, ea.DEEPFACE)
  for name in ea.DEEPFACE:
    own = [ea.frame_accuracy(c, k, ea.DEEPFACE) for c, k in zip(clips, labels) if k == name]
    assert by_class[name] == pytest.approx(mean(merge(own)))
  assert np.isnan(by_class['contempt'])
  whole = merge(ea.frame_accuracy(c, k, ea.DEEPFACE) for c, k in zip(clips, labels))
  assert whole.total == pytest.approx(np.trace(table)) and whole.count == 9


def test_no_clips_and_broken_scorers():
  empty = np.zeros((8, 8))
  assert np.isnan(ea.coverage(empty)) and np.isnan(list(ea.per_class(empty).values())).all()
  for metric in (ea.frame_accuracy, ea.clip_accuracy, ea.confusion):
    with pytest.raises(ValueError, match='not finite'):
      metric(np.full((2, 8), np.nan), 'angry')


def test_chance_on_shuffled_labels():
  rng = np.random.default_rng(1)
  labels = list(EMOTIONS) * 5
  clips = [one_hot([k] * 3) * 5 + softmax(rng, 3, 8) for k in labels]
  assert mean(merge(ea.frame_accuracy(c, k) for c, k in zip(clips, labels))) == 1
  rng.shuffle(labels)
  assert mean(merge(ea.frame_accuracy(c, k) for c, k in zip(clips, labels))) < .5


def test_the_number_of_classes_tells_the_scorer():
  assert ea.classes_of(np.zeros((3, 8))) == EMOTIONS
  assert ea.classes_of(np.zeros((3, 7))) == ea.DEEPFACE
  with pytest.raises(KeyError):
    ea.classes_of(np.zeros((3, 6)))
