"""Scorer of lip sync (SyncNet v2), or import public weights instead; sees the stable crop.

python run_train.py --config=configs/syncnet.py --workdir=WORK/syncnet --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('syncnet', preset)
  pick = common.picker(preset)
  cfg.seed = 1001
  cfg.steps = pick(full=100_000, benchmark=400, quickstart=150, debug=4)
  cfg.batch_size = pick(full=32, quickstart=16, debug=8)
  cfg.optimizer.lr = pick(full=1e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.best = '+auc'
  cfg.data.dataset = f'{sizes.lrs(preset)}+{sizes.mead(preset)}'
  cfg.data.kind = 'sync'
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.data.moments = pick(full=8, quickstart=8, debug=4)
  # The public net eats 224 pixels of the whole crop; small pictures show lips of a few pixels.
  cfg.model.update(dict(
    width=pick(full=1.0, quickstart=0.25, debug=0.125), dim=pick(full=1024, quickstart=128,
                                                                  debug=16),
    input_size=pick(full=224, quickstart=64, debug=64),
    mouth=pick(full=False, quickstart=True, debug=True)))
  return cfg
