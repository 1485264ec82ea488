"""MediaPipe's IMAGE and VIDEO mode, with and without smoothing, against known landmarks.

  python -m benchmarks.landmark_modes --landmarker face_landmarker.task

Draws videos of synthetic speakers, whose landmarks are known exactly, adds the noise of a camera,
and prints for each way: the mean distance of all points and of the lips, how much the mouth's
opening correlates with the true one and how late it is, the jitter (the part of the error that
changes from frame to frame), and the time of a frame. Distances are in percent of the face's
width. Needs mediapipe.
"""

import argparse
import time

import numpy as np

from cemnet_jax import topology
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.preprocess import face, smooth
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer

NOISE = 3.0  # grey levels


def videos(count, size):
  """(frames (T, S, S, 3), landmarks (T, 131, 2)) of one speaker and emotion each."""
  rng = np.random.default_rng(0)
  for i in range(count):
    renderer = FaceRenderer(make_identity(i), size, 1)
    frames, known = renderer.frames(clip_motion(i, topology.EMOTIONS[i % 8]))
    noisy = frames + rng.normal(0, NOISE, frames.shape)
    yield noisy.clip(0, 255).round().astype(np.uint8), known


def lag(found, true):
  """(correlation, delay in frames to a tenth) of two openings at the best shift."""
  fine = np.arange(0, len(true) - 1, 0.1)
  a, b = (np.interp(fine, np.arange(len(x)), x - x.mean()) for x in (found, true))
  scores = {s: np.corrcoef(a[30 + s:len(a) - 30 + s], b[30:-30])[0, 1] for s in range(-30, 31)}
  best = max(scores, key=scores.get)
  return scores[best], best / 10


def main():
  """Prints one line per way."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--landmarker')
  parser.add_argument('--videos', type=int, default=16)
  parser.add_argument('--size', type=int, default=256)
  args = parser.parse_args()
  results, seconds, total = {}, {}, 0
  for frames, known in videos(args.videos, args.size):
    width = np.ptp(known[:, topology.OVAL, 0], axis=1)[:, None]
    total += len(frames)
    for mode in ('image', 'video'):
      start = time.perf_counter()
      with face.landmarker(args.landmarker, tracking=mode == 'video') as detect:
        opened = time.perf_counter()
        found = face.video_landmarks(frames, detect, mode == 'video').landmarks
      seconds[mode, 'frame'] = seconds.get((mode, 'frame'), 0) + time.perf_counter() - opened
      seconds[mode, 'open'] = seconds.get((mode, 'open'), 0) + opened - start
      for method in smooth.METHODS:
        points = smooth.smooth(found, method)
        error = (points - known) / width[..., None]
        jitter = np.linalg.norm(np.diff(error, n=2, axis=0), axis=-1) / np.sqrt(6)
        distance = np.linalg.norm(error, axis=-1)
        found_all = np.isfinite(points).all(axis=(1, 2))
        correlation, delay = lag(mouth_opening(points[found_all]), mouth_opening(known[found_all]))
        results.setdefault((mode, method), []).append((
          100 * found_all.mean(), 100 * np.nanmean(distance),
          100 * np.nanmean(distance[:, topology.LIPS]), 100 * np.nanmean(jitter),
          100 * np.nanmean(jitter[:, topology.LIPS]), correlation, 40 * delay))
  print(f'{args.videos} videos, {total} frames of {args.size} px')
  print('mode   smoothing   found %   error %  lips %   jitter %  lips %   opening corr.  late ms')
  for (mode, method), rows in results.items():
    mean = np.mean(rows, axis=0)
    print(f'{mode:<6} {method:<10} ' + '  '.join(f'{value:8.3f}' for value in mean))
  for mode in ('image', 'video'):
    print(f'{mode}: {1000 * seconds[mode, "frame"] / total:.2f} ms a frame, '
          f'{1000 * seconds[mode, "open"] / args.videos:.0f} ms to open')


if __name__ == '__main__':
  main()
