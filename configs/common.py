"""Fields that every stage's config has, with their defaults; a stage's file sets what differs.

A config is data: JSON can hold it, and it is saved with the checkpoints. An unknown field given on
the command line is refused with the nearest known name.
"""

from ml_collections import ConfigDict

from cemnet_jax.errors import UserError

# `full` has the paper's sizes and what this project changed; those behind it are smaller sizes of
# it. `paper` is the paper's algorithm. `python -m benchmarks.presets` lists what differs.
OURS = ('full', 'benchmark', 'quickstart', 'debug')
PRESETS = (*OURS, 'paper')
DEFAULT = 'full'
_LIKE = {'benchmark': 'quickstart', 'paper': 'full'}  # where a preset has no value of its own
SPEAKERS = -1  # as `model.classes`: the number of training speakers, known when the data is open


def picker(preset: str):
  """`pick(full=..., quickstart=..., debug=...)` returns the value of `preset`.

  `benchmark` is the quickstart with more data and longer runs, so it has the same value where none
  is given for it; so has `paper` that of `full`. `pick(paper=..., ours=...)` tells the paper's
  value from that of all other presets.

  Raises:
    UserError: there is no such preset.
  """
  if preset not in PRESETS:
    raise UserError(f'preset: unknown {preset!r}, use one of {", ".join(PRESETS)}')

  def pick(**values):
    return next(values[name] for name in (preset, _LIKE.get(preset), 'ours') if name in values)

  return pick


def base(stage: str, preset: str) -> ConfigDict:
  """The config of a stage before its file fills in steps, data, model and loss."""
  pick = picker(preset)
  return ConfigDict(dict(
    stage=stage,  # also the name of its folder in a system's workdir
    module=stage,  # cemnet_jax/stages/<module>.py makes it
    preset=preset,
    needs=(),  # frozen stages, and 'statistics' for those of the landmarks
    seed=0,
    steps=1,
    batch_size=8,  # over all devices
    log_every=pick(full=100, quickstart=25, debug=1),  # steps
    save_every=pick(full=2_000, quickstart=200, debug=4),
    eval_every=pick(full=2_000, quickstart=200, debug=4),
    eval_batches=pick(full=50, quickstart=6, debug=1),  # 0: the whole split
    eval_split='val',
    best='',  # evaluation metric that names the best checkpoint; '+' in front: larger is better
    patience=0,  # stop after so many evaluations without a better one; 0: never
    workers=pick(full=8, quickstart=0, debug=0),  # loader processes; 0: a thread
    deterministic=False,  # on GPUs: the same bits in every run, at the price of speed
    optimizer=dict(lr=1e-4, b1=0.9, b2=0.999, weight_decay=0.0,
                   schedule='constant',  # or cosine, linear: down to lr * final at `steps`
                   final=0.05, warmup=0, clip=0.0),  # warm-up in steps; clip: norm, 0 for none
    mesh=dict(data=-1, fsdp=1, min_size=2**16),  # data=-1: all devices; smaller leaves replicate
    sharding=(('.*', 'fsdp'),),  # (pattern in a parameter's path, 'fsdp' | 'replicate'), first wins
    pool=dict(batches=0, batch_size=8),  # see train/pool.py; 0 batches: no pool
    # crop: the rule of the crops, which the dataset tells; labels: what must be known of each clip,
    # 'emotion' and 'speaker', see cemnet_jax/data/labels.py.
    data=dict(dataset='', kind='', crop='', labels=(), image_size=128, T=5, N=5),
    model={},
    loss={},
  ))
