"""One training step of a stage: ours, and its counterpart's, on the same weights and batch."""

import time
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from benchmarks.speed import emotions, inputs, talkers
from benchmarks.speed.counterpart import (
  Counterpart,
  load,
  make_step,
  to_torch,
  without_dropout,
)
from benchmarks.speed.machine import wait
from benchmarks.speed.timing import Run
from cemnet_jax import stages
from cemnet_jax.train.process import QUICK_COMPILE, step_compile
from cemnet_jax.train.rng import key_for

COUNTERPARTS = talkers.STAGES | emotions.STAGES
SPEAKERS = 40  # about MEAD's training speakers
WAV2LIP_SIZE = 96  # px of its public nets, the only ones that have a counterpart


class Subject(NamedTuple):
  """A stage with random weights and a batch, all on the host."""
  cfg: Any
  stage: Any
  frozen: dict
  batch: dict
  state: Any


class Program(NamedTuple):
  """Something to time, after its first step."""
  run: Run
  first: float  # seconds to compile it and to make the first step
  hlo: str = ''  # text of our compiled step


def subject(name: str, size: str, batch_size: int = 0, dropout: bool = True) -> Subject:
  """The stage `name` of preset `size`; 0 for the preset's batch size.

  The renderer is IP-LAP's (warp and output as in its public weights), because that has a
  counterpart, and Wav2Lip's pictures have 96 px. All losses count from the first step on.
  """
  cfg = inputs.config(name, size, SPEAKERS)
  if name == 'renderer':
    cfg.model.update(dict(quirk=True, skip=False))
    cfg.data.landmark_flow = False
    cfg.loss.warmup_steps = 0
  if name in ('lip_expert', 'wav2lip'):
    cfg.data.image_size = WAV2LIP_SIZE
  if name == 'wav2lip':
    cfg.loss.sync_from = 0
    cfg.frozen.lip_expert.data.image_size = WAV2LIP_SIZE
  for noise in ('dropout', 'identity_noise'):
    if not dropout and noise in cfg.model:
      cfg.model[noise] = 0.0
  stage, frozen = stages.load(cfg).make(cfg), inputs.drawn_frozen(cfg, SPEAKERS)
  # Whole: PyTorch's BatchNorm knows no mask.
  batch = inputs.batch_of(cfg, batch_size or cfg.batch_size, SPEAKERS, whole=True)
  return Subject(cfg, stage, frozen, batch, inputs.drawn_state(stage, frozen, batch))


def compile_ours(of: Subject, options: dict[str, str] | None) -> tuple[Any, float]:
  """Our step, compiled with XLA's `options`, and the seconds that took."""
  start = time.perf_counter()
  step = jax.jit(of.stage.step, donate_argnums=0)
  compiled = step.lower(of.state, of.frozen, of.batch, of.cfg.seed).compile(options)
  return compiled, time.perf_counter() - start


def operations(compiled) -> float:
  """XLA's count of floating-point operations in a compiled step."""
  return float(compiled.cost_analysis()['flops'])


def ours(of: Subject, plain: bool = False) -> tuple[Program, float]:
  """Our step as the training loop compiles it, and its floating-point operations.

  `plain`: compiled with XLA's own choices.
  """
  compiled, compiling = compile_ours(of, None if plain else step_compile())
  # Copies: the step overwrites the state that it is given.
  state = jax.tree.map(lambda x: jax.device_put(np.array(x)), of.state)
  frozen, batch = jax.device_put((of.frozen, of.batch))

  def run(count: int) -> None:
    nonlocal state
    for _ in range(count):
      state, metrics = compiled(state, frozen, batch, of.cfg.seed)
    jax.block_until_ready((state, metrics))

  start = time.perf_counter()
  run(1)
  program = Program(run, compiling + time.perf_counter() - start, compiled.as_text())
  return program, operations(compiled)


def counterpart(name: str, of: Subject, device: str) -> Counterpart:
  """The stage in PyTorch with the weights of `of`, on `device`."""
  side = COUNTERPARTS[name](of.cfg, of.frozen)
  load(side, of.state, of.frozen, device)
  return side


def theirs(name: str, of: Subject, device: str, compiled: bool) -> Program:
  """The counterpart's step as a program: eager, or through torch.compile."""
  side = counterpart(name, of, device)
  step, batch = make_step(side, compiled), to_torch(of.batch, side, device)

  def run(count: int) -> None:
    for _ in range(count):
      step(batch)
    wait(device)

  start = time.perf_counter()
  run(1)
  return Program(run, time.perf_counter() - start)


def check(name: str, size: str, batch_size: int = 0, steps: int = 2) -> list[tuple[float, float]]:
  """(our loss, PyTorch's) of the first steps on the same weights, batch and augmentation.

  Dropout is off. A later step's losses agree only if gradients and optimizers do.
  """
  of = subject(name, size, batch_size, dropout=False)
  side = counterpart(name, of, 'cpu')
  without_dropout(side)
  step = make_step(side._replace(augment=None))
  state, found = of.state, []
  jit = partial(jax.jit, compiler_options=QUICK_COMPILE if jax.default_backend() == 'cpu' else None)
  with nn.intercept_methods(_no_dropout):
    compiled = jit(of.stage.step).lower(state, of.frozen, of.batch, of.cfg.seed).compile()
  for number in range(steps):
    batch = of.batch
    if side.as_ours:
      key = key_for(of.cfg.seed, number, of.cfg.stage)
      batch = jax.device_get(jit(side.as_ours)(key, batch))
    state, metrics = compiled(state, of.frozen, of.batch, of.cfg.seed)
    found.append((float(metrics['loss']), float(step(to_torch(batch, side, 'cpu')))))
  return found


def _no_dropout(call, args, kwargs, context):
  return args[0] if isinstance(context.module, nn.Dropout) else call(*args, **kwargs)
