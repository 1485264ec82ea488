"""Emotion heard in MEAD's speech by a speaker who was never trained on.

  cemnet prepare mead --root MEAD --name audio_only --split-file split.json --data DATA
  python -m benchmarks.real_emotion --data DATA --workdir WORK

Trains `audio_emotion`, `timbre`, `content` and `aee` on the training actors of `mead/audio_only`,
and prints the share of the test actors' clips whose emotion is right: of the encoder before and
after AEE (mean feature of all windows), and of logistic regression on mean MFCC.
"""

import argparse

import jax
import numpy as np
from absl import flags
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cemnet_jax.data.source import Clips
from cemnet_jax.nets.audio_encoder import ClassHead
from cemnet_jax.preprocess.audio import load_wav16, mfcc_windows
from cemnet_jax.stages import build
from cemnet_jax.topology import EMOTIONS
from cemnet_jax.train import ckpt, process
from cemnet_jax.train_system import load_config, set_field, train_stage

STAGES = ('audio_emotion', 'timbre', 'content', 'aee')
DATASET = 'mead/audio_only'


def windows_of(clips, split):
  """(windows of each clip, emotions)."""
  indices = np.asarray(clips.ranges[split])
  return ([mfcc_windows(load_wav16(clips[i]['audio'])) for i in indices],
          clips.table['emotion'][indices])


def predicted(workdir, stage, clips_windows):
  """Emotion of each clip by the mean feature of its windows."""
  trained, cfg = ckpt.load_params(workdir), ckpt.load_config(workdir)
  net, head = ('emotion', 'emotion_head') if stage == 'aee' else ('encoder', 'head')
  encoder = build.audio_encoder(argparse.Namespace(**cfg['model']))
  variables = {'params': trained['params'][net], 'batch_stats': trained['stats'][net]}
  apply = jax.jit(lambda x: encoder.apply(variables, x, train=False))
  classify = ClassHead(cfg['model']['emotions' if stage == 'aee' else 'classes'])
  out = []
  for windows in clips_windows:
    fill = -len(windows) % 64  # few shapes, few compilations
    padded = np.pad(windows, ((0, fill), (0, 0), (0, 0)))
    feature = np.asarray(apply(padded))[:len(windows)].mean(axis=0, keepdims=True)
    out.append(int(classify.apply({'params': trained['params'][head]}, feature).argmax()))
  return np.array(out)


def main():
  """Prints one line per method."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--data', required=True)
  parser.add_argument('--workdir', required=True)
  parser.add_argument('--preset', default='quickstart')
  parser.add_argument('--set', action='append', default=[], metavar='STAGE.KEY=VALUE')
  args = parser.parse_args()
  flags.FLAGS.mark_as_parsed()
  process.keep_compiled_programs()
  clips = Clips(args.data, DATASET)
  for stage in STAGES:
    cfg = load_config(stage, args.preset)
    if stage != 'content':  # MEAD has no transcripts: content learns on the many speakers' data
      cfg.data.dataset = DATASET
    for change in args.set:
      name, _, assignment = change.partition('.')
      if name == stage:
        set_field(cfg, *assignment.split('=', 1))
    train_stage(cfg, args.data, f'{args.workdir}/{stage}')

  train, test = windows_of(clips, 'train'), windows_of(clips, 'test')
  mean = [np.stack([w.reshape(-1, 12).mean(0) for w in part]) for part, _ in (train, test)]
  linear = make_pipeline(StandardScaler(),
                         LogisticRegression(max_iter=2000, class_weight='balanced'))
  results = {'logistic regression on mean MFCC': linear.fit(mean[0], train[1]).predict(mean[1])}
  for stage in ('audio_emotion', 'aee'):
    results[stage] = predicted(f'{args.workdir}/{stage}', stage, test[0])
  counts = np.bincount(test[1], minlength=len(EMOTIONS))
  print(f'{len(test[1])} clips of unseen actors; the most frequent emotion, '
        f'{EMOTIONS[counts.argmax()]}, is {100 * counts.max() / counts.sum():.0f} % of them')
  for name, found in results.items():
    print(f'{name}: {100 * (found == test[1]).mean():.1f} % right, '
          f'{100 * balanced_accuracy_score(test[1], found):.1f} % averaged over emotions')


if __name__ == '__main__':
  main()
