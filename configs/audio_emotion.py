"""Audio emotion encoder: classify the eight emotions. EVP: Adam 2e-4, batch 16, 100 epochs.

python run_train.py --config=configs/audio_emotion.py --workdir=WORK/audio_emotion --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('audio_emotion', preset)
  pick = common.picker(preset)
  cfg.module = 'voice'
  cfg.steps = pick(full=50_000, benchmark=2_400, quickstart=900, debug=6)
  cfg.batch_size = pick(full=16, quickstart=64, debug=8)
  cfg.optimizer.lr = pick(full=2e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.optimizer.b1 = 0.5
  cfg.best = '+accuracy'
  # All of it: of few windows, luck chooses.
  cfg.eval_batches = pick(full=50, benchmark=0, quickstart=6, debug=1)
  cfg.eval_split = 'val'
  cfg.data.dataset = sizes.mead(preset)
  cfg.data.kind = 'voice'
  cfg.data.labels = ('emotion',)
  cfg.model.update(sizes.AUDIO_ENCODER[preset])
  cfg.model.label = 'emotion'
  cfg.model.classes = 8
  return cfg
