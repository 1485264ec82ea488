"""Golden steps: what one training step of each stage gives at `debug` size, kept in golden.json.

  python -m tests.stages.golden --reason "why the numbers change"

measures all stages and rewrites those that differ, with the reason; `--stages NAME ...` only some.
Weights and batches are drawn by NumPy, so they are the same everywhere; a step's rounding depends
on the processor, the version of XLA and how the step is compiled.
"""

import argparse
import json
from pathlib import Path

import jax
import numpy as np
import optax

from benchmarks.speed import inputs
from cemnet_jax import stages
from cemnet_jax.systems import SYSTEMS

FILE = Path(__file__).with_name('golden.json')
NAMES = tuple(dict.fromkeys(node.config for nodes in SYSTEMS.values() for node in nodes.values()))
SPEAKERS, SIZE = 5, 4
# Nets whose optimizer is not the config's `optimizer`.
OPTIMIZERS = {'decoder': 'decoder_optimizer', 'discriminator': 'disc_optimizer'}
# Relative. Code for AVX2 and for SSE4.2 (XLA's xla_cpu_max_isa) differed by 7e-5 at most, on one
# AMD EPYC; another order of sums in a large batch norm can cost some more.
TOLERANCE = 2e-3


def arguments(cfg, stage, features=None):
  """(state, frozen, batch, seed) with drawn weights, before the second step: all losses count then.

  Args:
    features: the stage's, compiled, where it has them.
  """
  batch, frozen = inputs.batch_of(cfg, SIZE, SPEAKERS), inputs.drawn_frozen(cfg, SPEAKERS)
  if features:
    batch = jax.device_get(features(frozen, batch))
  state = inputs.drawn_state(stage, frozen, batch).replace(step=np.int32(1))
  return state, frozen, batch, cfg.seed


def measured(step, given, cfg) -> dict[str, float]:
  """The losses of a step, and as 'gradient/NET' the norm of each net's gradient."""
  state, metrics = step(*given)
  # Of so few examples an accuracy jumps where a loss hardly moves.
  found = {name: float(value) for name, value in metrics.items() if name != 'accuracy'}
  for net, opt in state.opt.items():
    moment = optax.tree_utils.tree_get(opt, 'mu')  # (1 - b1) x gradient after one step
    b1 = cfg[OPTIMIZERS.get(net, 'optimizer')].b1
    found[f'gradient/{net}'] = float(optax.global_norm(moment)) / (1 - b1)
  return {name: float(f'{value:.6g}') for name, value in sorted(found.items())}


def differences(found: dict[str, float], kept: dict[str, float]) -> list[str]:
  """What differs by more than `TOLERANCE`, a line each; below 0.001 by more than that of it."""
  return [f'{name}: {kept.get(name)} -> {found.get(name)}' for name in sorted({*found, *kept})
          if name not in found or name not in kept
          or abs(found[name] - kept[name]) > TOLERANCE * max(abs(kept[name]), 1e-3)]


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--reason', required=True, help='why the numbers change')
  parser.add_argument('--stages', nargs='+', choices=NAMES, default=NAMES, metavar='STAGE')
  args = parser.parse_args()
  golden = json.loads(FILE.read_text()) if FILE.is_file() else {}
  for name in args.stages:
    cfg = inputs.config(name, 'debug', SPEAKERS)
    module = stages.load(cfg)
    stage = module.make(cfg)
    features = jax.jit(module.features(cfg)) if hasattr(module, 'features') else None
    found = measured(jax.jit(stage.step), arguments(cfg, stage, features), cfg)
    changed = differences(found, golden.get(name, {'step': {}})['step'])
    print(name, *(changed or ['as before']), sep='\n  ', flush=True)
    if changed:
      golden[name] = {'reason': args.reason, 'step': found}
      kept = {name: golden[name] for name in NAMES if name in golden}
      FILE.write_text(json.dumps(kept, indent=1) + '\n')


if __name__ == '__main__':
  main()
