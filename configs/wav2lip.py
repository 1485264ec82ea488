"""Wav2Lip, a baseline. Paper: LRS2, 96 px, batch 80 windows of one, here 16 of five; Adam 1e-4.

python run_train.py --config=configs/wav2lip.py --workdir=WORK/wav2lip --data=DATA
"""

from configs import common, lip_expert


def get_config(preset=common.DEFAULT):
  cfg = common.base('wav2lip', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=300_000, benchmark=500, quickstart=400, debug=4)
  cfg.batch_size = pick(full=16, quickstart=8, debug=8)
  cfg.optimizer.lr = pick(full=1e-4, quickstart=1.5e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.optimizer.b1 = 0.5
  cfg.needs = ('lip_expert',)
  cfg.data = lip_expert.get_config(preset).data
  cfg.data.kind = 'talk'
  cfg.model.update(dict(width=pick(full=1.0, benchmark=0.25, quickstart=0.125, debug=0.0625),
                        centred=pick(full=False, quickstart=True, debug=True)))
  cfg.loss.update(dict(
    # The paper's; its code has 0.01 without a discriminator. An expert of few steps is easily
    # pleased by spots of colour: at 0.01 they cover the chin, at 0.003 they are small.
    sync=pick(full=0.03, quickstart=0.003, debug=0.03),
    # Published: once its validation loss is under 0.75.
    sync_from=pick(full=100_000, benchmark=320, quickstart=250, debug=1)))
  return cfg
