"""The only training loop: a Stage, a dataset and frozen stages in; checkpoints and logs out.

`step` is the only clock: batch i is `dataset[i]`, keys and schedules are functions of it. So a run
killed at any moment and started again ends with the same bits, on the same mesh.
"""

import contextlib
import itertools
import math
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import optax
from clu.metrics import Average
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from cemnet_jax import crops, fingerprints
from cemnet_jax.errors import UserError
from cemnet_jax.train import chain, ckpt, optim, shard
from cemnet_jax.train.log import EVAL, Log
from cemnet_jax.train.process import QUICK_COMPILE, meet, step_compile
from cemnet_jax.train.rng import key_for
from cemnet_jax.train.stage import Frozen, Stage
from cemnet_jax.train.state import TrainState

SECONDS_BETWEEN_CURVES = 60.
ADDED = ('data.labels',)  # fields that configs of before lack, whatever these runs did


def serial(dataset, start: int, workers: int) -> Iterator[dict]:
  """The batches from `start` on, made when asked for."""
  del workers
  index = start
  while True:
    yield dataset[index]
    index += 1


def finished(workdir: Path, cfg) -> bool:
  """Whether the stage in `workdir` has run its steps (or stopped early at the same setting)."""
  done = ckpt.read_json(Path(workdir) / ckpt.DONE)
  return bool(done) and (done['step'] >= cfg.steps or
                         (done['early_stopped'] and done['steps'] == cfg.steps))


def imported(workdir: Path) -> bool:
  """Whether the stage in `workdir` came from public weights, so that no config of ours made it."""
  return 'imported' in ckpt.read_json(Path(workdir) / ckpt.DONE)


def check_workdir(workdir: Path) -> None:
  """Creates the folder and proves that a file can be written in it."""
  try:
    Path(workdir).mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=workdir).close()
  except OSError as error:
    raise UserError(f'{workdir}: cannot write here ({error.strerror}); choose another --workdir'
                    ) from error


def check_config(workdir: Path, cfg) -> None:
  """Compares the config with the one this workdir began with; the preset's name says nothing."""
  old = ckpt.read_json(Path(workdir) / ckpt.CONFIG)
  if old and (Path(workdir) / ckpt.FOLDER).is_dir():
    free = (*chain.FREE_KEYS, 'preset')
    flat_old, flat_new = (
      ckpt.flat({k: v for k, v in c.items() if k not in free})
      | {'data.crop': crops.of_config(c)} for c in (old, ckpt.plain(cfg)))
    added = {k: flat_new[k] for k in ADDED if k in flat_new}
    added |= {k: v for k, v in chain.ADDED.items() if k in flat_new}
    flat_old = added | flat_old
    fingerprints.check_same('the config', flat_old, flat_new, workdir)
    ending = [name for name, value in cfg.items()
              if isinstance(value, ConfigDict) and optim.ends(value)]
    if ending and old['steps'] != cfg.steps:
      raise UserError(
        f'{workdir}: steps cannot change from {old["steps"]} to {cfg.steps}: the {ending[0]} '
        f'schedule {cfg[ending[0]].schedule!r} ends at the last step, so other rates were behind '
        f'this run; keep {old["steps"]}, take another --workdir or delete this one')


def check_identity(workdir: Path, identity: Mapping[str, str]) -> None:
  """Compares data and frozen stages with those that this workdir began with.

  UserError where they differ. A run that is older than such records is taken as it is.
  """
  if (Path(workdir) / ckpt.FOLDER).is_dir() and (Path(workdir) / ckpt.IDENTITY).is_file():
    fingerprints.check_same('data or frozen stages', chain.identity_of(workdir), identity, workdir)


class _Programs(NamedTuple):
  """The compiled functions of one stage on one mesh."""

  init: Callable
  step: Callable
  evaluate: Callable
  score: Callable | None
  norms: Callable
  abstract: TrainState  # shapes with shardings


def _norms(state: TrainState) -> dict[str, jax.Array]:
  return {f'{field}/{net}': optax.global_norm(tree)
          for field in ('params', 'stats', 'ema') for net, tree in getattr(state, field).items()}


def _programs(stage: Stage, cfg, mesh, key, frozen: Frozen, batch: dict, seed) -> _Programs:
  everywhere, split = shard.replicated(mesh), shard.batch_sharding(mesh)
  shapes = jax.eval_shape(stage.init, key, frozen, batch)
  placed = shard.state_sharding(mesh, shapes, cfg.sharding, cfg.mesh.min_size)
  abstract = jax.tree.map(
    lambda s, p: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=p), shapes, placed)
  step = jax.jit(stage.step, donate_argnums=0,
                 in_shardings=(placed, everywhere, split, everywhere),
                 out_shardings=(placed, everywhere))
  on_cpu = mesh.devices.flat[0].platform == 'cpu'
  options = step_compile(cfg.deterministic)
  return _Programs(
    init=jax.jit(stage.init, out_shardings=placed,
                 compiler_options=QUICK_COMPILE if on_cpu else options),
    # Compiled here, ahead of the loop, so that the transfer guard sees only running.
    step=step.lower(abstract, frozen, batch, seed).compile(options),
    evaluate=jax.jit(stage.evaluate, in_shardings=(placed, everywhere, split),
                     out_shardings=everywhere, compiler_options=options),
    score=stage.score,
    norms=jax.jit(_norms, in_shardings=(placed,), out_shardings=everywhere),
    abstract=abstract)


class _Preemption(contextlib.AbstractContextManager):
  """Knows whether SIGTERM came; over several hosts, at the same step on all of them."""

  def __enter__(self):
    self._came = False
    self._alone = jax.process_count() == 1
    if self._alone:
      self._old = signal.signal(signal.SIGTERM, self._note)
    return self

  def _note(self, *signal_and_frame):
    self._came = True

  def __exit__(self, *exc):
    if self._alone:
      signal.signal(signal.SIGTERM, self._old)

  def at(self, step: int) -> bool:
    return self._came if self._alone else multihost_utils.reached_preemption_sync_point(step)


def _means(results: list[dict[str, Average]]) -> dict[str, float]:
  """Sums and counts of every batch -> means over all of them, added on the host in float64."""
  first, *others = jax.tree.map(np.float64, results)
  for other in others:
    first = {name: average.merge(other[name]) for name, average in first.items()}
  return {name: float(average.compute()) for name, average in first.items() if average.count}


def _rows(results: list[dict]) -> dict[str, np.ndarray]:
  """The rows of every batch -> those of all batches, without padding."""
  rows = {name: np.concatenate([result[name] for result in results]) for name in results[0]}
  kept = rows['mask'] > 0
  return {name: values[kept] for name, values in rows.items()}


class _Run:
  """One `fit`: its log and checkpoints, and what is done between steps."""

  def __init__(self, cfg, log: Log, checkpoints: ckpt.Checkpoints, programs: _Programs):
    self.cfg, self.log, self.checkpoints, self.programs = cfg, log, checkpoints, programs
    self.metadata = {'config': ckpt.plain(cfg)}
    self.pending = None  # (step, metrics still on the device)
    self.saved = checkpoints.latest
    self.drawn = time.monotonic()

  def fetch(self) -> None:
    """Brings the metrics of the last step to the host, if not yet there: checks and logs them."""
    if self.pending is None:
      return
    (step, metrics), self.pending = self.pending, None
    metrics = jax.device_get(metrics)
    values = {name: float(metrics[name]) for name in sorted(metrics, key=lambda n: n != 'loss')}
    self.check_finite(step, values)
    self.log.advance(step)
    if step % self.cfg.log_every == 0 or step == self.cfg.steps:
      self.log.write(step, values)

  def check_finite(self, step: int, values: dict[str, float]) -> None:
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    if bad:
      self.checkpoints.wait()
      last = f'the checkpoint of step {self.saved} is good' if self.saved else 'no checkpoint yet'
      raise UserError(f'{self.log.title}: not finite at step {step}: {", ".join(bad)}; {last}; '
                      'lower optimizer.lr or set optimizer.clip')

  def evaluate(self, step: int, state, frozen, batches: Iterator[dict]) -> None:
    """Logs what the batches say together: see `Stage.evaluate` and `Stage.score`."""
    results = [jax.device_get(self.programs.evaluate(state, frozen, batch)) for batch in batches]
    score = self.programs.score
    values = score(_rows(results)) if score else _means(results)
    values = {EVAL + name: float(value) for name, value in values.items()}
    self.check_finite(step, values)
    self.log.write(step, values)

  def scores(self) -> list[float]:
    """All evaluations so far of the metric `cfg.best`; higher is better."""
    sign = 1. if self.cfg.best.startswith('+') else -1.
    return [sign * value for value in self.log.evaluations(self.cfg.best.lstrip('+'))]

  def stale(self) -> bool:
    """Whether the last `cfg.patience` evaluations brought nothing better than the one before."""
    scores = self.scores()
    return bool(self.cfg.patience and scores) and (
      len(scores) - 1 - scores.index(max(scores)) >= self.cfg.patience)

  def save(self, step: int, state, score: float | None) -> None:
    """Starts to save `state`, unless something in it is not finite."""
    norms = jax.device_get(self.programs.norms(state))
    self.check_finite(step, {name: float(value) for name, value in norms.items()})
    self.checkpoints.save(state, step, score=score, metadata=self.metadata)
    self.saved = step
    if time.monotonic() - self.drawn > SECONDS_BETWEEN_CURVES:
      self.log.curves()
      self.drawn = time.monotonic()


def fit(stage: Stage, cfg, dataset, eval_dataset, frozen: Frozen, workdir: str | Path, *,
        title: str = '', identity: dict | None = None, people: set[str] | None = None,
        iterate: Callable = serial, devices=None, tensorboard: bool = False) -> TrainState:
  """Trains `stage` to `cfg.steps`, from the latest checkpoint in `workdir` if there is one.

  Args:
    stage: three pure functions, see `stage.Stage`.
    cfg: ConfigDict with the fields of `configs/common.py`.
    dataset: `dataset[step]` is this process's part of batch `step`, a dict of numpy arrays.
    eval_dataset: the same with a length, or None.
    frozen: {stage name: {'params': ..., 'stats': ...}} and whatever else the stage reads.
    workdir: gets checkpoints/, metrics.jsonl, config.json, parameters.txt, curves.png and, at the
      end, done.json.
    title: shown beside the progress; the stage's name if empty.
    identity: what must not change when the run resumes (datasets, frozen stages), see
      `chain.Link`.
    people: who speaks in the training data.
    iterate: `(dataset, start, workers) -> generator` that may prefetch.
    devices: the devices to use, all if None.
    tensorboard: whether event files are written, too, see `Log`.

  Returns:
    The state after the last step.

  Raises:
    UserError: a batch that does not divide, a folder that cannot be written, a changed config,
      or a loss that is not finite; the last good checkpoint stays.
    SystemExit: code 0 after SIGTERM, when the state is saved.
  """
  workdir, title, identity = Path(workdir), title or cfg.stage, identity or {}
  began = time.monotonic()
  mesh = shard.make_mesh(cfg.mesh, devices)
  shard.check_batch(cfg.batch_size, mesh)
  check_workdir(workdir)
  check_config(workdir, cfg)
  check_identity(workdir, identity)
  main = jax.process_index() == 0
  if main:
    ckpt.write_json(workdir / ckpt.CONFIG, ckpt.plain(cfg))
  with contextlib.ExitStack() as stack:
    def closing(thing):
      return stack.enter_context(contextlib.closing(thing))

    checkpoints = stack.enter_context(ckpt.Checkpoints(workdir, writes=True))
    start = checkpoints.latest or 0
    if main and not start:
      chain.begin(workdir, identity, people or set())
    log = closing(Log(workdir, title, start=start, steps=cfg.steps, writes=main,
                      tensorboard=tensorboard))
    preemption = stack.enter_context(_Preemption())

    split, key = shard.batch_sharding(mesh), key_for(cfg.seed, 0, 'init')
    batches = closing(iterate(dataset, start, cfg.workers))
    batch = shard.to_global(next(batches), split)
    frozen, seed = shard.to_global((frozen, np.uint32(cfg.seed)), shard.replicated(mesh))
    programs = _programs(stage, cfg, mesh, key, frozen, batch, seed)
    log.parameters(programs.abstract.params)
    state = checkpoints.restore(programs.abstract) if start else programs.init(key, frozen, batch)
    run = _Run(cfg, log, checkpoints, programs)
    ready = time.monotonic()

    step, stop, early = start, False, run.stale()
    while step < cfg.steps and not stop and not early:
      with jax.transfer_guard('disallow'):
        state, metrics = programs.step(state, frozen, batch, seed)
      step += 1
      run.fetch()  # of the step before, while this one runs
      run.pending = (step, metrics)
      last, score, better = step == cfg.steps, None, False
      if not last:
        batch = shard.to_global(next(batches), split)
      if eval_dataset is not None and (last or step % cfg.eval_every == 0):
        run.fetch()
        with contextlib.closing(iterate(eval_dataset, 0, 0)) as parts:
          count = min(cfg.eval_batches or len(eval_dataset), len(eval_dataset))
          run.evaluate(step, state, frozen, (
            shard.to_global(part, split) for part in itertools.islice(parts, count)))
        scores, early = run.scores(), run.stale()
        score = scores[-1] if scores else None
        better = bool(scores) and score >= max(scores)
      stop = preemption.at(step)
      if last or stop or early or better or step % cfg.save_every == 0:
        run.fetch()
        run.save(step, state, score)

    checkpoints.wait()
    log.curves()
    seconds = time.monotonic() - ready
    ended = step >= cfg.steps or early
    if main and ended:
      ckpt.write_json(workdir / ckpt.DONE, {
        'stage': cfg.stage, 'step': step, 'steps': cfg.steps, 'early_stopped': early,
        'best_step': checkpoints.best, 'evaluation': log.last_evaluation(),
        'seconds': round(seconds, 2), 'start_up_seconds': round(ready - began, 2),
        'steps_per_second': round((step - start) / max(seconds, 1e-9), 3)})
    # The next stage asks for this file.
    meet(f'end of {cfg.stage}', workdir / ckpt.DONE if ended else None)
    if stop:
      print(f'{title}: stopped by SIGTERM, saved at step {step}; requeue to go on', flush=True)
      raise SystemExit(0)
  return state
