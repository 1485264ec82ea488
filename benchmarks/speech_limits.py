"""How well a mouth can be told from speech at all: yardsticks for `asked_against_true`.

  python -m benchmarks.speech_limits --real REAL --landmarks KEEP

REAL and KEEP are as there. For each video, the correlation of its mouth's opening with

  another take   that of the same person saying the same sentence once more, its time moved to this
                 one's by dynamic time warping of the sound, median over the other takes (RAVDESS,
                 whose file names tell person and sentence)
  all takes      the mean of all other takes
  real speech    a linear function of 0.34 s of mel around each frame, fitted to all videos but
                 those of the same source, so to real mouths
  loudness       the sound's level

What a system asks for that never saw this person or sentence cannot be expected to agree better
with this take than the person does.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import scipy.fft
from jaxtyping import Float

from benchmarks.asked_against_true import loudness, read, real_videos
from cemnet_jax.infer import references as refs
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.preprocess import audio
from cemnet_jax.topology import FPS, MEL_RATE

CEPSTRA = 16
AROUND = np.arange(-13, 14, 2)  # mel frames about each video frame that are heard
BANDS = 20  # of four mel bands each
RIDGE = 0.3  # of the number of frames, on standardised features
# Ways of the warping: both on, one faster than the other, and at a price one standing still.
STEPS = np.array([[1, 1], [1, 2], [2, 1], [1, 0], [0, 1]])
PRICES = np.array([1, 1.2, 1.2, 1.5, 1.5])
COLUMNS = ('frames', 'another take', 'all takes', 'real speech', 'loudness')


class Video(NamedTuple):
  """One video's mouth and sound."""
  source: str
  sentence: str | None  # person and sentence, where they are known
  opening: Float[np.ndarray, ' T']
  level: Float[np.ndarray, ' T']
  mel: Float[np.ndarray, 'A 80']


def sentence(path: Path) -> str | None:
  """Person and sentence of a RAVDESS file; None for others."""
  fields = path.stem.split('-')
  return f'{fields[6]} {fields[4]}' if len(fields) == 7 else None


def video_of(path: Path, landmarker, kept) -> Video:
  """What is compared of a file; `landmarker` and `kept` as in `asked_against_true.read`."""
  wav, references = read(path, landmarker, kept)
  spoken = sentence(path)
  return Video(path.stem.split('_')[0] if spoken is None else path.parent.name, spoken,
               mouth_opening(refs.crop_landmarks(references)), loudness(wav),
               audio.mel_spectrogram(wav))


def cepstra(mel: Float[np.ndarray, 'A 80']) -> Float[np.ndarray, 'A C']:
  """What two takes of a sentence are compared by."""
  coefficients = scipy.fft.dct(mel, axis=1, norm='ortho')[:, :CEPSTRA]
  return (coefficients - coefficients.mean(axis=0)) / (coefficients.std(axis=0) + 1e-6)


def moved(other: Video, video: Video) -> Float[np.ndarray, ' T']:
  """The other's opening at the moments when it says what `video` says."""
  _, path = librosa.sequence.dtw(cepstra(video.mel).T, cepstra(other.mel).T,
                                 step_sizes_sigma=STEPS, weights_mul=PRICES)
  mel_per_frame = MEL_RATE / FPS
  frames = (np.arange(len(video.opening)) + 0.5) * mel_per_frame
  at = np.interp(frames, path[::-1, 0], path[::-1, 1]) / mel_per_frame - 0.5
  return np.interp(at, np.arange(len(other.opening)), other.opening)


def features(video: Video) -> Float[np.ndarray, 'T F']:
  """Mel around each frame, each band in units of its own spread in the utterance."""
  mean, spread = audio.statistics_of(video.mel)
  bands = ((video.mel - mean) / (spread + 0.3)).reshape(len(video.mel), BANDS, -1).mean(axis=2)
  frames = np.round((np.arange(len(video.opening)) + 0.5) * MEL_RATE / FPS).astype(int)
  at = np.clip(frames[:, None] + AROUND, 0, len(bands) - 1)
  return bands[at].reshape(len(frames), -1)


def fitted(videos: list[Video]):
  """Features -> opening, by ridge regression on the videos' openings in their own spreads."""
  known = np.concatenate([features(v) for v in videos])
  wanted = np.concatenate([(v.opening - v.opening.mean()) / v.opening.std() for v in videos])
  mean, spread = known.mean(axis=0), known.std(axis=0) + 0.05
  known = (known - mean) / spread
  weights = np.linalg.solve(known.T @ known + RIDGE * len(known) * np.eye(known.shape[1]),
                            known.T @ wanted)
  return lambda x: (x - mean) / spread @ weights


def limits(video: Video, others: list[Video]) -> tuple[float, ...]:
  """The numbers of COLUMNS; NaN where there is no other take."""
  agreement = lambda x: float(np.corrcoef(x, video.opening)[0, 1])
  takes = [moved(other, video) for other in others
           if video.sentence and other.sentence == video.sentence]
  one, all_of_them = np.nan, np.nan
  if takes:
    one = float(np.median([agreement(take) for take in takes]))
    all_of_them = agreement(np.mean([take / take.std() for take in takes], axis=0))
  strangers = [other for other in others if other.source != video.source]
  return (len(video.opening), one, all_of_them, agreement(fitted(strangers)(features(video))),
          agreement(video.level))


def medians(rows: list[tuple[float, ...]]) -> tuple[float, ...]:
  """Of each column, leaving out NaN; NaN where that leaves none."""
  columns = (column[~np.isnan(column)] for column in np.array(rows).T)
  return tuple(np.median(column) if len(column) else np.nan for column in columns)


def line(name: str, values: tuple[float, ...]) -> str:
  """One row of the table."""
  return f'{name[:40]:<40} {values[0]:6.0f} ' + ' '.join(f'{x:12.2f}' for x in values[1:])


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--real', type=Path, required=True)
  parser.add_argument('--landmarks', type=Path)
  parser.add_argument('--landmarker')
  args = parser.parse_args()
  paths = real_videos(args.real)
  videos = [video_of(path, args.landmarker, args.landmarks) for path in paths]
  print(f'{"":<40} {COLUMNS[0]} ' + ' '.join(f'{name:>12}' for name in COLUMNS[1:]))
  rows = {}
  for path, video in zip(paths, videos):
    rows[path] = limits(video, [other for other in videos if other is not video])
    print(line(path.name, rows[path]), flush=True)
  for group in sorted({path.parent.name for path in paths}):
    some = [row for path, row in rows.items() if path.parent.name == group]
    print(line(f'median {group} ({len(some)})', medians(some)))
  print(line(f'median of all ({len(rows)})', medians(list(rows.values()))))


if __name__ == '__main__':
  main()
