"""Clips that say the same are found by their sound, and others are not."""

import numpy as np
import pytest

from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.synthetic.sentences import pseudo_sentence
from cemnet_jax.preprocess.synthetic.speech import make_voice, speak
from cemnet_jax.topology import EMOTIONS
from tests.tfds_builders import spoken
from tfds_builders.mead.content import CONFIDENT
from tfds_builders.mead.matching import LENGTH, match_clips, squeeze


def match(clips, found=None, **settings):
  return match_clips(found or spoken.tracks(clips), [c.speaker for c in clips],
                     [c.cell for c in clips], **settings)


def sure(groups, confidences):
  return np.where(confidences >= CONFIDENT, groups, -1)


def test_invented_sentences_are_found():
  clips = spoken.corpus(speakers=3, cells=3, shared=4, own=8)
  groups, confidences = match(clips)
  assert confidences.shape == (len(clips),) and 0 <= confidences.min() <= confidences.max() <= 1
  precision, recall = spoken.precision_recall(sure(groups, confidences),
                                              [c.sentence for c in clips])
  assert precision > 0.98 and recall > 0.95
  cells_of = [(g, c.cell) for g, c in zip(groups.tolist(), clips)]
  assert len(set(cells_of)) == len(cells_of), 'a group has one clip of a cell at most'
  assert groups[0] == 0 and groups.max() + 1 == len(set(groups.tolist()))


def test_other_sentences_are_not_grouped():
  clips = [spoken.Clip(f's{n % 2}', f's{n % 2}/{n % 8}', n) for n in range(96)]
  groups, confidences = match(clips)
  kept = sure(groups, confidences)
  pairs = np.triu((kept[:, None] == kept) & (kept >= 0), 1)
  assert pairs.sum() < 0.002 * len(clips) * (len(clips) - 1) / 2


def test_order_and_processes_change_nothing():
  clips = spoken.corpus(speakers=2, cells=3, shared=3, own=5)
  found = spoken.tracks(clips)
  groups, confidences = match(clips, found)
  turned = np.random.default_rng(0).permutation(len(clips))
  again, confidences_again = match([clips[i] for i in turned], [found[i] for i in turned],
                                   processes=2)
  together = groups[:, None] == groups
  np.testing.assert_array_equal(again[:, None] == again, together[np.ix_(turned, turned)])
  np.testing.assert_allclose(confidences_again, confidences[turned], atol=1e-4)


def test_a_cell_never_repeats_a_sentence():
  clips = spoken.corpus(speakers=1, cells=3, shared=8, own=0)
  found = spoken.tracks(clips)
  found[1] = found[0]
  groups, _ = match(clips, found)
  assert groups[0] != groups[1]


@pytest.mark.parametrize('count', [1, 2, 3])
def test_a_few_clips_are_no_evidence(count):
  clips = [spoken.Clip('s0', f's0/{i}', 0) for i in range(count)]
  groups, confidences = match(clips)
  assert groups.tolist() == list(range(count)) and not confidences.any()


def test_equal_tracks_are_no_evidence():
  clips = [spoken.Clip('s0', f's0/{i}', 0) for i in range(6)]
  groups, confidences = match(clips, [spoken.say(0)] * 6)
  assert groups.tolist() == list(range(6)) and not confidences.any()


def test_squeezed_tracks_ignore_voice_and_tempo():
  track = spoken.say(5)
  squeezed = squeeze(track)
  assert squeezed.shape == (LENGTH, spoken.DIMENSIONS) and squeezed.dtype == np.float32
  np.testing.assert_allclose(np.linalg.norm(squeezed, axis=1), 1, rtol=1e-5)
  scale = np.linspace(0.5, 2, spoken.DIMENSIONS)
  np.testing.assert_allclose(squeeze(track * scale + 3), squeezed, atol=1e-5)
  np.testing.assert_allclose(squeeze(np.repeat(track, 3, axis=0)), squeezed, atol=1e-5)
  assert squeeze(track[:5]).shape == squeezed.shape
  assert np.isfinite(squeeze(np.ones((9, 12)))).all()


@pytest.mark.slow
def test_synthetic_speech_is_matched_across_emotions_and_voices():
  """Checks the thresholds: 3 shared sentences, 5 more of each emotion; all voices are different."""
  clips, found = [], []
  for speaker in (40, 41, 42, 43):
    voice = make_voice(speaker)
    for e, emotion in enumerate(EMOTIONS):
      for level in (1,) if emotion == 'neutral' else (1, 3):
        for n in [*range(3), *range(3 + 5 * e, 8 + 5 * e)]:
          pcm = speak(voice, pseudo_sentence((n,), 8 + n % 6)[1], emotion, level, (n,)).pcm
          clips.append(spoken.Clip(f's{speaker}', f's{speaker}/{emotion}{level}', n))
          found.append(audio.mfcc(pcm)[:, 1:])
  groups, confidences = match(clips, found)
  precision, recall = spoken.precision_recall(sure(groups, confidences),
                                              [c.sentence for c in clips])
  assert precision >= 0.95 and recall >= 0.8, (precision, recall)
