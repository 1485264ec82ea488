"""What of each video can be used: landmarks of every frame and the clips to cut from it."""

import csv
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, video
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME

MIN_FRAMES = FPS  # 1 s: a shorter clip holds no window with references outside of it
MAX_FRAMES = 6 * FPS  # 6 s: longer videos are cut into clips of equal length
MIN_FACE_PX = 40  # width of the face below which lips are a few pixels
SILENCE = 1e-4  # root mean square of [-1, 1] samples below which a track holds no speech


class Analysis(NamedTuple):
  """Result for one file; `pieces` is empty and `reason` says why when it cannot be used."""
  file: str
  sha256: str
  seconds: float
  pieces: tuple[tuple[int, int], ...]  # [start, stop) in frames at 25 fps
  reason: str


def analyse_files(root, files: Iterable[str], scratch, open_detector, processes: int = 1
                  ) -> list[Analysis]:
  """Analyses all files, some at a time; landmarks go to `scratch`, see `load_landmarks`.

  `open_detector()` is a context manager that yields `detect(rgb) -> (faces, 131, 2)`; it must be
  picklable when `processes` > 1. Files analysed by an earlier, interrupted call are not read again.
  """
  files = list(files)
  jobs = [(str(root), f, str(scratch), open_detector) for f in files]
  bar = {'total': len(files), 'desc': 'faces', 'unit': 'file', 'disable': None}
  if processes <= 1:
    return list(tqdm(map(_analyse, jobs), **bar))
  with ProcessPoolExecutor(processes, mp_context=get_context('spawn')) as pool:
    return list(tqdm(pool.map(_analyse, jobs), **bar))


def load_landmarks(scratch, analysis: Analysis) -> np.ndarray:
  """Landmarks (T, 131, 2) float32 in px of an analysed file, NaN where no face was found."""
  with np.load(_scratch_file(scratch, analysis.file, analysis.sha256)) as stored:
    return stored['landmarks']


def write_report(path, analyses: Iterable[Analysis]) -> None:
  """CSV with one row per file: file, clips, seconds, reason it (or part of it) was skipped."""
  temporary = Path(path).with_suffix('.tmp')
  with temporary.open('w', newline='') as out:
    rows = csv.writer(out)
    rows.writerow(['file', 'clips', 'seconds', 'reason'])
    rows.writerows([a.file, len(a.pieces), f'{a.seconds:.2f}', a.reason] for a in analyses)
  os.replace(temporary, path)


def cut(runs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
  """Runs of usable frames -> clips of MIN_FRAMES to MAX_FRAMES frames."""
  pieces = []
  for start, stop in runs:
    if stop - start >= MIN_FRAMES:
      count = -(-(stop - start) // MAX_FRAMES)
      edges = np.linspace(start, stop, count + 1).round().astype(int).tolist()
      pieces += zip(edges[:-1], edges[1:])
  return tuple(pieces)


def _analyse(job) -> Analysis:
  root, file, scratch, open_detector = job
  path = Path(root) / file
  digest = ''
  try:
    if not path.is_file():
      raise UserError(f'{path}: no such file')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stored = _scratch_file(scratch, file, digest)
    if not stored.is_file():
      _save(stored, _landmarks(path, open_detector))
    with np.load(stored) as arrays:
      landmarks = arrays['landmarks']
    pieces, reason = _judge(landmarks)
    return Analysis(file, digest, len(landmarks) / FPS, pieces, reason)
  except (UserError, OSError, ValueError, RuntimeError) as error:
    reason = ' '.join(str(error).replace(f'{path}: ', '').split())
    return Analysis(file, digest, 0.0, (), reason or type(error).__name__)


def _landmarks(path, open_detector) -> np.ndarray:
  audio = video.read_audio(path, like_video=True)
  if np.sqrt(np.mean(np.square(audio, dtype=np.float64))) < SILENCE:
    raise UserError('its sound is silent')
  frames = islice(video.iterate_frames(path), len(audio) // SAMPLES_PER_FRAME)
  with open_detector() as detect:
    return face.video_landmarks(frames, detect)


def _judge(landmarks) -> tuple[tuple[tuple[int, int], ...], str]:
  """Clips to cut and, when not everything is used, why."""
  found = np.isfinite(landmarks).all(axis=(1, 2))
  if not found.any():
    return (), 'no face found'
  width = np.median(np.ptp(landmarks[found][..., 0], axis=1))
  if width < MIN_FACE_PX:
    return (), f'the face is only {width:.0f} px wide, under {MIN_FACE_PX}'
  pieces = cut(face.steady_runs(landmarks))
  if not pieces:
    return (), f'no {MIN_FRAMES} frames in a row with one face'
  unused = len(landmarks) - sum(b - a for a, b in pieces)
  return pieces, f'{unused} frames without a steady face' if unused else ''


def _scratch_file(scratch, file, digest) -> Path:
  name = hashlib.sha256(file.encode()).hexdigest()[:16]
  return Path(scratch) / f'{name}-{digest[:16]}.npz'


def _save(path, landmarks) -> None:
  temporary = path.with_name(f'.{os.getpid()}-{path.name}')
  np.savez(temporary, landmarks=landmarks)
  os.replace(temporary, path)
