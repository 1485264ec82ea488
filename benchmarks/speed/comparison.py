"""The table of `benchmarks.generate_speed`: the same video by our nets and by PyTorch's, twice."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from benchmarks.speed import machine
from benchmarks.speed.generating import MODELS, PARTS, Generated, generate
from benchmarks.speed.system import networks, scene
from benchmarks.speed.timing import quartiles, ratio, rounded
from benchmarks.speed.torch_talker import TorchNets
from benchmarks.table import line, rule
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess.encode import write_video

OURS, SINGLE, BATCHED = 'JAX', 'PyTorch, frame by frame', 'PyTorch, batched'


def report(args: argparse.Namespace) -> Iterator[str]:
  """Times of the parts and frames a second, line by line; `args` of `benchmarks.generate_speed`."""
  machine.configure(args.exact)
  device = machine.torch_device()
  yield from machine.describe(device, args.exact)
  with tempfile.TemporaryDirectory() as folder:
    made, landmarks = videos(args, Path(folder), device)
  frames = made[OURS][0].frames
  yield f'Video: {frames} frames of {args.frame_size} px, {args.repeats} times by each'
  for name in (SINGLE, BATCHED):
    points = np.abs(landmarks[OURS] - landmarks[name]).max()
    levels = np.abs(made[OURS][0].sample.astype(int) - made[name][0].sample).max()
    yield f'Against JAX, {name}: {points:.1e} of the crop in landmarks, {levels} of 255 levels'
  yield ''
  yield line('part, ms/frame (share)', *made)
  yield rule(1 + len(made))
  seconds = {name: {part: np.array([run.seconds[part] for run in runs]) for part in PARTS}
             for name, runs in made.items()}
  totals = {name: sum(parts.values()) for name, parts in seconds.items()}
  for part in PARTS:
    yield line(part, *(share(seconds[name][part], totals[name], frames) for name in made))
  for title, parts in (('all', PARTS), ('nets alone', MODELS)):
    times = {name: sum(seconds[name][part] for part in parts) for name in made}
    yield line(f'{title}, frames/s', *(quartiles(frames / x).text() for x in times.values()))
    yield line(f"{title}, time / JAX's", *(ratio(x, times[OURS]).text() for x in times.values()))


def videos(args: argparse.Namespace, folder: Path, device: str,
           ) -> tuple[dict[str, list[Generated]], dict[str, np.ndarray]]:
  """{program: what each of its repeats made}, {program: landmarks (T, 131, 2)}.

  A first video of each program, which compiles, is not kept.
  """
  shown = scene(args.frame_size, args.seconds)
  source, out = folder / 'source.mp4', folder / 'talk.mp4'
  write_video(source, shown.frames, shown.audio)
  nets = networks(args.size, args.image_size, shown.references())
  talker = Talker(nets)
  ways = {OURS: nullcontext, SINGLE: TorchNets(nets, device, one_by_one=True).in_place,
          BATCHED: TorchNets(nets, device, one_by_one=False).in_place}
  known = None if args.landmarker else shown.landmarks
  made, landmarks = {name: [] for name in ways}, {}
  for repeat in range(1 + args.repeats):
    for name, way in ways.items():
      with way():
        video = generate(talker, source, known, args.landmarker, out)
        if not repeat:
          landmarks[name] = talker.plan(shown.references(), shown.audio).landmarks
      if repeat:
        made[name].append(video)
  return made, landmarks


def share(seconds: np.ndarray, totals: np.ndarray, frames: int) -> str:
  """Median time per frame, and how much of the whole it is."""
  return (f'{rounded(1e3 * float(np.median(seconds)) / frames)} '
          f'({100 * float(np.median(seconds / totals)):.1f} %)')
