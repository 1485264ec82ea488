"""Timbre encoder: classify the training speakers. EVP: Adam 2e-4, batch 16, 100 epochs.

python run_train.py --config=configs/timbre.py --workdir=WORK/timbre --data=DATA
"""

from configs import common, sizes


def get_config(preset='paper'):
  cfg = common.base('timbre', preset)
  pick = common.picker(preset)
  cfg.module = 'voice'
  cfg.steps = pick(paper=50_000, benchmark=1_200, quickstart=180, debug=6)
  cfg.batch_size = pick(paper=16, quickstart=64, debug=8)
  cfg.optimizer.lr = pick(paper=2e-4, quickstart=1e-3, debug=1e-3)
  cfg.optimizer.b1 = 0.5
  cfg.best = '+accuracy'
  # Speakers of `val` are no class of it, and `test_sentence` is reported: a tenth of the training
  # sentences choose the checkpoint and are not trained on.
  cfg.eval_split = 'held_out'
  cfg.data.dataset = sizes.mead(preset)
  cfg.data.kind = 'voice'
  cfg.data.labels = ('speaker',)
  cfg.data.held_out = 0.1
  cfg.model.update(sizes.AUDIO_ENCODER[preset])
  cfg.model.label = 'speaker'
  cfg.model.classes = common.SPEAKERS
  return cfg
