"""Content encoder: CTC transcripts (audio2text). Paper: LRS2; Adam 2e-4.

python run_train.py --config=configs/content.py --workdir=WORK/content --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('content', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=100_000, benchmark=600, quickstart=70, debug=4)
  cfg.batch_size = pick(full=16, quickstart=4, debug=8)
  cfg.optimizer.lr = pick(full=2e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.b1 = 0.5
  cfg.best = 'ctc'
  cfg.data.dataset = sizes.lrs(preset)
  cfg.data.kind = 'speech'
  cfg.data.windows = pick(full=250, quickstart=72, debug=32)
  cfg.data.tokens = pick(full=200, quickstart=48, debug=24)
  cfg.model.update(sizes.AUDIO_ENCODER[preset])
  cfg.model.recurrent = pick(full=256, quickstart=64, debug=16)
  cfg.model.vocab = 29  # 28 characters and the blank
  return cfg
