"""The mouth that Audio2Mouth asks for against the real one, on real videos with their own sound.

  python -m benchmarks.asked_against_true --system-dir WORK --real REAL --landmarks KEEP
  python -m benchmarks.asked_against_true --system-dir WORK --data DATA

Only the stage `audio2mouth` of WORK is needed. REAL holds `clips/` and `ravdess/Actor_NN/*.mp4`;
with --data, the clips of an unseen split of a built dataset are measured instead. For each video:
the correlation of the mouth's opening over time with that of the video's own landmarks, asked from
its own head pose, sound and five of its frames; how late the asked one is at the lag (up to
0.28 s) where they agree best, and the correlation there; spread and mean of the asked opening over
the true one's; the correlation of the true one with the loudness of the sound, the least that a
net should beat; and two values of chance, the correlation with the sound of another video as it
is and at its best lag. The last lines are medians.

MediaPipe finds the landmarks; --landmarks keeps them in a folder, where the next run takes them.
"""

import argparse
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.infer import loading
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.metrics.sync_offset import sync_offset
from cemnet_jax.preprocess import audio, face, video
from cemnet_jax.topology import SAMPLES_PER_FRAME

SECONDS = 10  # of each video
MAX_LAG_MS = 280.
COLUMNS = ('frames', 'r', 'late ms', 'r there', 'spread', 'mean', 'loudness', 'chance', 'its best')


def real_videos(root: Path) -> list[Path]:
  """The videos with sound that belongs to them."""
  found = [*root.glob('clips/*'), *root.glob('ravdess/*/*.mp4')]
  return sorted(path for path in found if path.is_file())


def read(path, landmarker, kept):
  """(samples, references) of the longest run with one face in the first SECONDS of a video."""
  limit = SECONDS * 25
  stored = kept / f'{path.parent.name}_{path.name}.npz' if kept else None
  frames = list(islice(video.iterate_frames(path), limit))
  if stored and stored.is_file():
    points = face.load_landmarks(stored, len(frames))
  else:
    with face.landmarker(landmarker) as detect:
      points = face.video_landmarks(frames, detect).landmarks
    if stored:
      kept.mkdir(parents=True, exist_ok=True)
      np.savez(stored, landmarks=points)
  start, stop = max(face.steady_runs(points), key=lambda run: run[1] - run[0])
  wav = video.read_audio(path)
  wav = np.pad(wav, (0, max(0, stop * SAMPLES_PER_FRAME - len(wav))))
  return (wav[start * SAMPLES_PER_FRAME:stop * SAMPLES_PER_FRAME],
          refs.from_arrays(frames[start:stop], points[start:stop], moving=True))


def built(clip):
  """(samples, references) of a clip of a built dataset."""
  size = 256.
  frames = [np.zeros((1, 1, 3), np.uint8)] * len(clip['frames'])
  boxes = np.tile(np.float32([0, 0, size, size]), (len(frames), 1))
  return (audio.load_wav16(clip['audio']), refs.from_arrays(
    frames, clip['landmarks'].astype(np.float32) * size, boxes, moving=True))


def asked_opening(talker, wav, references):
  """Opening (T,) of the mouths of Audio2Mouth alone."""
  plan = talker.plan(references, wav, references, Options(memory=False, calibrate=False))
  return mouth_opening(plan.landmarks)[:len(references.frames)]


def loudness(wav):
  """Level (T,) of the sound of each frame, in tens of decibels."""
  energy = np.square(wav.reshape(-1, SAMPLES_PER_FRAME).astype(np.float64)).mean(axis=1)
  return np.log10(energy + 1e-6)


def compare(talker, wav, other, references):
  """The numbers of COLUMNS."""
  true = mouth_opening(refs.crop_landmarks(references))
  asked = asked_opening(talker, wav, references)
  chance = asked_opening(talker, np.resize(other, len(wav)), references)
  late, there = sync_offset(asked, true, max_ms=MAX_LAG_MS)
  r = lambda x: np.corrcoef(x, true)[0, 1]
  return (len(true), r(asked), late, there, asked.std() / true.std(), asked.mean() / true.mean(),
          r(loudness(wav)), r(chance), sync_offset(chance, true, max_ms=MAX_LAG_MS)[1])


def line(name, values):
  """One row of the table."""
  count, *rest = values
  form = ('6.2f', '8.0f', '8.2f', '7.2f', '6.2f', '9.2f', '7.2f', '9.2f')
  numbers = ' '.join(f'{value:{f}}' for value, f in zip(rest, form, strict=True))
  return f'{name[:40]:<40} {count:6.0f} {numbers}'


def main():
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--system-dir', required=True)
  parser.add_argument('--real', type=Path)
  parser.add_argument('--landmarks', type=Path)
  parser.add_argument('--landmarker')
  parser.add_argument('--data')
  parser.add_argument('--dataset', default='synth_mead/lrs_quickstart')
  parser.add_argument('--split', default='test')
  args = parser.parse_args()
  if bool(args.real) == bool(args.data):
    parser.error('give either --real or --data')
  talker = Talker(loading.load_mouth(args.system_dir))
  if args.real:
    names = real_videos(args.real)
    load = partial(read, landmarker=args.landmarker, kept=args.landmarks)
  else:
    clips = Clips(args.data, args.dataset)
    names = [Path(clips[i]['id']) for i in clips.ranges[args.split]]
    load = lambda name: built(clips[clips.ranges[args.split][names.index(name)]])
  print(f'{"":<40} ' + ' '.join(COLUMNS))
  rows, before = {}, load(names[-1])[0]
  for name in names:
    wav, references = load(name)
    rows[name] = compare(talker, wav, before, references)
    before = wav
    print(line(name.name, rows[name]), flush=True)
  for group in sorted({name.parent.name for name in names}):
    some = [values for name, values in rows.items() if name.parent.name == group]
    print(line(f'median {group} ({len(some)})', np.median(some, axis=0)))
  print(line(f'median of all ({len(rows)})', np.median(list(rows.values()), axis=0)))


if __name__ == '__main__':
  main()
