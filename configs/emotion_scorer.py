"""Scorer of emotion (DeepFace's CNN, eight classes), or import public weights (seven) instead.

python run_train.py --config=configs/emotion_scorer.py --workdir=WORK/emotion_scorer --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('emotion_scorer', preset)
  pick = common.picker(preset)
  cfg.seed = 1002
  cfg.steps = pick(full=60_000, benchmark=2_500, quickstart=1_000, debug=4)
  cfg.batch_size = pick(full=64, quickstart=64, debug=8)
  cfg.optimizer.lr = pick(full=3e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.best = '+accuracy_both'
  cfg.data.dataset = sizes.mead(preset)
  cfg.data.kind = 'face'
  cfg.data.labels = ('emotion',)
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.model.update(dict(classes=8, width=pick(full=1.0, quickstart=0.5, debug=0.125), dropout=0.2))
  return cfg
