"""Scorer of identity (gray ResNet-18 with ArcFace), or import the public CASIA weights instead.

python run_train.py --config=configs/identity_scorer.py --workdir=WORK/identity_scorer --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('identity_scorer', preset)
  pick = common.picker(preset)
  cfg.module = 'identity'
  cfg.seed = 1003
  cfg.steps = pick(full=60_000, benchmark=400, quickstart=200, debug=4)
  cfg.batch_size = pick(full=128, quickstart=32, debug=8)
  cfg.optimizer.lr = pick(full=5e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.best = '+nearest_is_same'
  cfg.data.dataset = f'{sizes.lrs(preset)}+{sizes.mead(preset)}'
  cfg.data.kind = 'face'
  cfg.data.labels = ('speaker',)
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.model.update(dict(
    net='gray_resnet', stages=pick(full=(2, 2, 2, 2), quickstart=(1, 1, 1, 1), debug=(1, 1, 1, 1)),
    width=pick(full=64, quickstart=16, debug=8), dim=pick(full=512, quickstart=64, debug=16),
    input_size=pick(full=128, quickstart=64, debug=32), classes=common.SPEAKERS))
  # ArcFace's 64 and 0.5; small presets have few speakers and few steps, so a softer target.
  cfg.loss.scale = pick(full=64.0, quickstart=16.0, debug=16.0)
  cfg.loss.margin = pick(full=0.5, quickstart=0.2, debug=0.2)
  return cfg
