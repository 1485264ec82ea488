"""What the defaults of batch sizes, frame loop, precision, compile cache and loader rest on.

  python -m benchmarks.defaults --size quickstart --data data_cache --out defaults.md

Weights are random. Choices of one table take turns, so that all meet the same machine. The loader's
table is left out without `--data`, the folder of the preset's datasets.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.speed import inputs
from benchmarks.speed.system import Scene, networks, scene
from benchmarks.speed.timing import in_turns, quartiles, ratio
from benchmarks.table import emit, line, rule
from cemnet_jax.infer import forward
from cemnet_jax.infer.talker import MOUTH_BATCH, RENDER_BATCH, Talker
from cemnet_jax.nets import pipeline
from cemnet_jax.train import process
from configs.common import OURS

FRAMES, WINDOWS, WORKERS = (1, 2, 4, 8, 16, 32), (8, 32, 128), (0, 1, 2)
LOADED_BATCHES = 8
FACE, SECONDS = 256, 2.0


def parse_args() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--size', choices=OURS, default='full', help='preset of the configs')
  add('--image-size', type=int, default=0, help="px of the crops; 0: the preset's")
  add('--repeats', type=int, default=5, help='turns of each choice')
  add('--data', metavar='DIR', help='built datasets, for the loader')
  add('--out', type=Path, help='a file that gets what is printed')
  add('--start', action='store_true', help=argparse.SUPPRESS)  # prints the time to a first frame
  return parser.parse_args()


def table(title: str, unit: str, runs: dict, per: dict[str, int], base: str, repeats: int,
          ) -> Iterator[str]:
  """Time of each run divided by `per`, and by that of the run `base`, which is the default."""
  times = {name: seconds / per[name] for name, seconds in in_turns(runs, repeats, 0.2).items()}
  yield from ('', f'{title} (the default: {base})', '', line('choice', unit, "time / default's"),
              rule(3))
  for name, seconds in times.items():
    yield line(name, quartiles(1e3 * seconds).text(),
               '1' if name == base else ratio(seconds, times[base]).text())


def repeated(function, *arguments):
  """A run for `in_turns`, compiled."""
  def run(count: int) -> None:
    for _ in range(count):
      jax.block_until_ready(function(*arguments))
  run(1)
  return run


def rendering(nets: forward.Networks, repeats: int) -> Iterator[str]:
  """Frames of one call, a loop over frames inside a call, and half the precision."""
  rng, size, window, most = np.random.default_rng(0), nets.image_size, nets.window, FRAMES[-1]
  crops = rng.integers(0, 256, (most, size, size, 3), np.uint8)
  sketches = rng.integers(0, 256, (most, window, size, size), np.uint8)
  mel = rng.standard_normal((most, 80, 16)).astype(np.float32)
  count = nets.render_references
  known = forward.encode_references(
    nets, rng.integers(0, 256, (count, size, size, 3), np.uint8), sketches[:1, 0].repeat(count, 0))
  correspondence = (np.zeros((most, count, size, size, 3), np.float32) if nets.landmark_flow
                  else None)
  some = lambda n: None if correspondence is None else correspondence[:n]
  batch = lambda n: (crops[:n], sketches[:n], mel[:n], some(n))

  @jax.jit
  def looped(variables, crops, sketches, mel, correspondence):
    one = lambda x: forward._render(nets.renderer.module, variables,
                                    *jax.tree.map(lambda a: a[None], x[:2]), known,
                                    *jax.tree.map(lambda a: a[None], x[2:]))[0]
    return jax.lax.map(one, (crops, sketches, mel, correspondence))

  @jax.jit
  def half(variables, known, crops, sketches, mel, correspondence):
    variables, known, *arrays = jax.tree.map(
      lambda x: x.astype(jnp.bfloat16),
      (variables, known, *map(pipeline.to_float, (crops, sketches)), mel, correspondence))
    image, _ = nets.renderer.module.apply(variables, *arrays[:2], known, *arrays[2:], train=False,
                                          method=nets.renderer.module.render)
    return image

  def render(crops, sketches, mel, correspondence):
    return forward.render(nets, crops, sketches, known, mel, correspondence)

  weights, default = nets.renderer.variables, f'{RENDER_BATCH} frames a call'
  runs = {f'{n} frames a call': repeated(render, *batch(n)) for n in FRAMES}
  per = {f'{n} frames a call': n for n in FRAMES}
  for name, run in ((f'{RENDER_BATCH} frames one by one in a call (lax.map)',
                     repeated(looped, weights, *batch(RENDER_BATCH))),
                    (f'{RENDER_BATCH} frames a call, bfloat16',
                     repeated(half, weights, known, *batch(RENDER_BATCH)))):
    runs[name], per[name] = run, RENDER_BATCH
  yield from table('Renderer', 'ms/frame', runs, per, default, repeats)


def mouths(nets: forward.Networks, repeats: int) -> Iterator[str]:
  """Windows of one call of Audio2Mouth."""
  rng, window, dim = np.random.default_rng(0), nets.window, nets.mouth.module.dim
  known = forward.reference_tokens(
    nets, rng.random((nets.mouth_references, 131, 2), np.float32))
  runs = {}
  for n in WINDOWS:
    tokens = rng.standard_normal((n, window, dim)).astype(np.float32)
    runs[f'{n} windows a call'] = repeated(
      partial(forward.motions, nets, known), forward.FrameTokens(tokens, tokens, None))
  yield from table('Audio2Mouth', 'ms/window', runs, {f'{n} windows a call': n for n in WINDOWS},
                   f'{MOUTH_BATCH} windows a call', repeats)


def starting(args: argparse.Namespace) -> Iterator[str]:
  """From nets in memory to the first frame, without and with programs that an earlier run kept."""
  yield from ('', 'Compile cache (the default: on)', '', line('process', 'first frame after, s'),
              rule(2))
  with tempfile.TemporaryDirectory() as folder:
    call = [sys.executable, '-m', __spec__.name, '--start', '--size', args.size,
            '--image-size', str(args.image_size)]
    for name in ('the first', 'the second', 'the third'):
      done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True,
                            env=os.environ | {'CEMNET_CACHE': folder})
      yield line(name, done.stdout.splitlines()[-1])


def first_frame(args: argparse.Namespace) -> None:
  """Prints the seconds to the first frame of a video in this process."""
  process.keep_compiled_programs()
  shown, nets = _system(args)
  start = time.perf_counter()
  next(Talker(nets).stream(shown.references(), shown.audio))
  print(f'{time.perf_counter() - start:.1f}')


def loading(args: argparse.Namespace) -> Iterator[str]:
  """Batches of the renderer's data by a thread (0) or processes."""
  from absl import flags

  from cemnet_jax.data.pipeline import iterate, make_dataset
  flags.FLAGS.mark_as_parsed()  # Grain's loader processes read absl flags
  cfg = inputs.config('renderer', args.size, 8)
  data = make_dataset(cfg.data, args.data, 'train', train=True, batch_size=cfg.batch_size,
                      seed=0, process_index=0, process_count=1)
  yield from ('', f'Loader, batches of {cfg.batch_size} (the default of the preset: '
              f'{cfg.workers})', '', line('workers', 'first batch s', 'examples/s'), rule(3))
  for workers in WORKERS:
    start = time.perf_counter()
    batches = iterate(data, 0, workers)
    next(batches)
    begun = time.perf_counter()
    for _ in islice(batches, LOADED_BATCHES):
      pass
    rate = LOADED_BATCHES * cfg.batch_size / (time.perf_counter() - begun)
    batches.close()
    yield line(str(workers) if workers else '0, a thread', f'{begun - start:.2f}', f'{rate:.0f}')


def report(args: argparse.Namespace) -> Iterator[str]:
  """All tables, line by line."""
  from benchmarks.speed import machine  # late: it imports PyTorch, which `first_frame` needs not
  yield f'Command: `python -m benchmarks.defaults {" ".join(sys.argv[1:])}`'
  yield from machine.describe(machine.torch_device(), exact=True)
  _, nets = _system(args)
  yield from rendering(nets, args.repeats)
  yield from mouths(nets, args.repeats)
  jax.clear_caches()
  yield from starting(args)
  if args.data:
    yield from loading(args)


def _system(args: argparse.Namespace) -> tuple[Scene, forward.Networks]:
  shown = scene(FACE, SECONDS)
  return shown, networks(args.size, args.image_size, shown.references())


if __name__ == '__main__':
  arguments = parse_args()
  if arguments.start:
    first_frame(arguments)
  else:
    emit(report(arguments), arguments.out)
