"""Lip-sync expert of the baseline Wav2Lip. Paper: LRS2, batch 64, Adam 1e-4.

python run_train.py --config=configs/lip_expert.py --workdir=WORK/lip_expert --data=DATA
"""

from configs import common, renderer


def get_config(preset=common.DEFAULT):
  cfg = common.base('lip_expert', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=200_000, benchmark=1_000, quickstart=600, debug=4)
  cfg.batch_size = pick(full=32, quickstart=8, debug=8)  # clips
  cfg.optimizer.lr = pick(full=1e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.best = 'entropy'
  cfg.data.dataset = renderer.get_config(preset).data.dataset
  cfg.data.kind = 'lip_sync'
  cfg.data.moments = pick(full=2, quickstart=4, debug=2)  # windows of each clip
  cfg.data.image_size = pick(full=96, benchmark=96, quickstart=48, debug=24)
  cfg.model.update(dict(width=pick(full=1.0, benchmark=0.25, quickstart=0.125, debug=0.0625),
                        dim=pick(full=512, quickstart=128, debug=16)))
  return cfg
