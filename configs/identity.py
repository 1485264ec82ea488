"""ArcFace identity embedding (IResNet-50, 512-d), or import public weights instead.

python run_train.py --config=configs/identity.py --workdir=WORK/identity --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('identity', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=60_000, benchmark=800, quickstart=140, debug=4)
  cfg.batch_size = pick(full=128, quickstart=32, debug=8)
  cfg.optimizer.lr = pick(full=5e-4, quickstart=1e-3, debug=1e-3)
  cfg.best = '+nearest_is_same'
  # Like the paper's ArcFace it never sees the speakers that the memory learns from: else it places
  # these apart from all others, and unseen ones are to the memory what no training face was.
  cfg.data.dataset = sizes.lrs(preset)
  cfg.data.kind = 'face'
  cfg.data.labels = ('speaker',)
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.model.update(dict(
    stages=pick(full=(3, 4, 14, 3), quickstart=(1, 1, 1, 1), debug=(1, 1, 1, 1)),
    width=pick(full=64, quickstart=16, debug=8), dim=pick(full=512, quickstart=64, debug=16),
    input_size=pick(full=112, quickstart=56, debug=32), classes=common.SPEAKERS))
  # ArcFace's 64 and 0.5; small presets have few speakers and few steps, so a softer target.
  cfg.loss.scale = pick(full=64.0, quickstart=16.0, debug=16.0)
  cfg.loss.margin = pick(full=0.5, quickstart=0.2, debug=0.2)
  return cfg
