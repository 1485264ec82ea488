"""In raw features the speaker is easy to find and the emotion of an unseen speaker is not."""

import numpy as np

from cemnet_jax.preprocess.synthetic import probe


def test_linear_probe_separates_what_is_separable():
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 4, 400)
  # Classes differ along an axis with little variance, beside one with much.
  features = np.stack([labels + rng.normal(0, 0.1, 400), rng.normal(0, 30, 400)], axis=1)
  found = probe.linear_probe(features[:300], 10 * labels[:300], features[300:])
  assert np.mean(found == 10 * labels[300:]) > 0.98


def test_emotion_is_confusable_with_timbre():
  found = probe.measure(speakers=8, sentences=2)
  assert found.speaker > 0.5  # chance 0.125, as for the others
  assert 0.15 < found.emotion_unseen < found.emotion_seen + 0.1
  assert found.speaker > 1.5 * found.emotion_unseen


def test_printed_report(capsys, monkeypatch):
  monkeypatch.setattr('sys.argv', ['probe', '--speakers', '3', '--sentences', '2'])
  probe.main()
  lines = capsys.readouterr().out.splitlines()
  assert len(lines) == 4 and all('chance' in line for line in lines[1:])
