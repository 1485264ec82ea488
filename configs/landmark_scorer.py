"""Scorer of landmarks: all 131 points from a picture of the crop. Training speakers.

python run_train.py --config=configs/landmark_scorer.py --workdir=WORK/landmark_scorer --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('landmark_scorer', preset)
  pick = common.picker(preset)
  cfg.seed = 1004
  cfg.steps = pick(full=60_000, benchmark=1_500, quickstart=800, debug=4)
  cfg.batch_size = pick(full=64, quickstart=32, debug=8)
  cfg.optimizer.lr = pick(full=5e-4, quickstart=2e-3, debug=1e-3)
  cfg.optimizer.schedule = 'cosine'
  cfg.best = 'm_lmd'
  cfg.data.dataset = f'{sizes.lrs(preset)}+{sizes.mead(preset)}'
  cfg.data.kind = 'face'
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.model.width = pick(full=32, quickstart=16, debug=8)
  cfg.loss.scale = 100.0  # L1 of [0, 1] coordinates is about 0.01: Adam's epsilon is not
  return cfg
