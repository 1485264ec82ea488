"""Image emotion extractor under EAMM's augmentations. MEAD training speakers, Adam 2e-4, batch 64.

python run_train.py --config=configs/image_emotion.py --workdir=WORK/image_emotion --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('image_emotion', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=60_000, benchmark=1_200, quickstart=350, debug=4)
  cfg.batch_size = pick(full=64, quickstart=32, debug=8)
  cfg.optimizer.lr = pick(full=2e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.optimizer.b1 = 0.5
  cfg.best = '+accuracy'
  cfg.data.dataset = sizes.mead(preset)
  cfg.data.kind = 'face'
  cfg.data.labels = ('emotion',)
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.model.width = pick(full=64, quickstart=16, debug=8)
  return cfg
