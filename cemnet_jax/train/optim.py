"""`cfg.optimizer` -> an optax optimizer whose schedule is a function of the step."""

import optax

from cemnet_jax.errors import UserError

SCHEDULES = ('constant', 'cosine', 'linear')


def ends(cfg) -> bool:
  """Whether this config is an optimizer's whose rate ends at the stage's `steps`."""
  return cfg.get('schedule', 'constant') != 'constant'


def make_schedule(cfg, steps: int) -> optax.Schedule:
  """Linear warm-up over `cfg.warmup` steps to `cfg.lr`, then down to `cfg.lr * cfg.final`."""
  rest = max(steps - cfg.warmup, 1)
  if cfg.schedule == 'constant':
    after = optax.constant_schedule(cfg.lr)
  elif cfg.schedule == 'cosine':
    after = optax.cosine_decay_schedule(cfg.lr, rest, alpha=cfg.final)
  elif cfg.schedule == 'linear':
    after = optax.linear_schedule(cfg.lr, cfg.lr * cfg.final, rest)
  else:
    raise UserError(f'optimizer.schedule: unknown {cfg.schedule!r}, use one of '
                    + ', '.join(SCHEDULES))
  if not cfg.warmup:
    return after
  return optax.join_schedules([optax.linear_schedule(0., cfg.lr, cfg.warmup), after], [cfg.warmup])


def make_optimizer(cfg, steps: int) -> optax.GradientTransformation:
  """Adam, or AdamW when `cfg.weight_decay` is set, on gradients clipped to norm `cfg.clip`."""
  schedule = make_schedule(cfg, steps)
  if cfg.weight_decay:
    adam = optax.adamw(schedule, b1=cfg.b1, b2=cfg.b2, weight_decay=cfg.weight_decay)
  else:
    adam = optax.adam(schedule, b1=cfg.b1, b2=cfg.b2)
  return optax.chain(optax.clip_by_global_norm(cfg.clip), adam) if cfg.clip else adam
