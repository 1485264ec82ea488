"""Probes and projection of embeddings whose factors are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from cemnet_jax.evaluate.understanding import embeddings
from cemnet_jax.infer import forward
from cemnet_jax.preprocess.audio import load_wav16, mfcc_windows

SPEAKERS, CLASSES, SENTENCES = 3, 4, 4


def made(rng, speaker_size, emotion_size=4., repeats=1):
  """(embeddings, emotions, speakers, sentences): each factor moves the embedding its own way."""
  labels = np.stack(np.meshgrid(range(CLASSES), range(SPEAKERS), range(SENTENCES * repeats)),
                    -1).reshape(-1, 3)
  ways = [rng.normal(size=(n, 12)) for n in (CLASSES, SPEAKERS)]
  points = (emotion_size * ways[0][labels[:, 0]] + speaker_size * ways[1][labels[:, 1]]
            + .3 * rng.normal(size=(len(labels), 12)))
  return points, *labels.T


def test_probes_find_what_is_there_and_only_that():
  rng = np.random.default_rng(0)
  both, emotions, speakers, sentences = made(rng, 4., repeats=3)
  assert embeddings.speaker_probe(both, speakers, sentences % SENTENCES) > .95
  free = made(rng, 0., repeats=3)[0]
  assert embeddings.speaker_probe(free, speakers, sentences % SENTENCES) < .5
  half = np.arange(len(free)) % 2 == 0
  probe = lambda points: embeddings.emotion_probe(points[half], emotions[half], points[~half],
                                                  emotions[~half])
  assert probe(free) > .95
  assert probe(made(rng, 4., 0., repeats=3)[0]) < .5


def test_a_speaker_is_not_told_by_its_sentences():
  rng = np.random.default_rng(1)
  speakers = np.repeat([0, 1], 20)
  sentences = np.arange(40) // 5  # each sentence is said by one speaker alone
  points = np.eye(8)[sentences] + .01 * rng.normal(size=(40, 8))
  assert embeddings.speaker_probe(points, speakers, sentences) < .8  # 1 if sentences were mixed


@pytest.mark.parametrize('speakers, sentences', [(np.zeros(6, int), list('abcabc')),
                                                 (np.arange(6) % 2, list('aaaaaa'))])
def test_nothing_to_tell_apart_is_not_a_number(speakers, sentences):
  points = np.random.default_rng(0).normal(size=(6, 3))
  found = embeddings.Probed(points[:, :2], .5,
                            embeddings.speaker_probe(points, speakers, sentences))
  assert embeddings.summary(found) == {'emotion_probe': .5, 'speaker_probe': None}
  assert np.isnan(embeddings.emotion_probe(points, np.zeros(6, int), points, np.zeros(6, int)))


def test_projection_repeats_and_keeps_neighbours():
  points, emotions, *_ = made(np.random.default_rng(2), 0., 9.)
  got = embeddings.project(points)
  np.testing.assert_array_equal(got, embeddings.project(points))
  distance = np.linalg.norm(got[:, None] - got[None], axis=-1) + 1e9 * np.eye(len(got))
  assert (emotions[distance.argmin(1)] == emotions).mean() > .95


def test_an_embedding_is_the_mean_over_all_windows():
  class Double:
    def apply(self, variables, mfcc, train):
      return 2 * mfcc[..., 5, :3]

  rng = np.random.default_rng(0)
  clips = [{'audio': rng.integers(-9000, 9000, 640 * n).astype(np.int16)} for n in (6, 40)]
  got = embeddings.embed(clips, forward.Net(Double(), {}), [1, 0])
  for row, clip in zip(got, reversed(clips)):
    windows = mfcc_windows(load_wav16(clip['audio']))
    np.testing.assert_allclose(row, 2 * windows[:, 5, :3].mean(0), rtol=1e-4, atol=1e-4)


def test_some_clips_of_a_split():
  clips = SimpleNamespace(ranges={'test': range(10, 30)},
                          table={'emotion': np.zeros(30, int)})
  assert embeddings.some_of(clips, 'test', 0).tolist() == list(range(10, 30))
  some = embeddings.some_of(clips, 'test', 5)
  assert len(set(some)) == 5 and (np.diff(some) > 0).all() and set(some) <= set(range(10, 30))
  np.testing.assert_array_equal(some, embeddings.some_of(clips, 'test', 5))


def test_pictures_are_the_same_each_time(tmp_path):
  points, emotions, speakers, _ = made(np.random.default_rng(3), 1.)
  probed = {'audio_emotion': embeddings.Probed(points[:, :2], .5, .75),
            'aee': embeddings.Probed(points[:, 2:4], .5, float('nan'))}
  for name in 'ab':
    embeddings.draw(probed, emotions, [f'{s:04d}' for s in speakers], tmp_path / f'{name}.png')
  assert (tmp_path / 'a.png').read_bytes() == (tmp_path / 'b.png').read_bytes()
