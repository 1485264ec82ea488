"""Audio2Mouth. Paper: LRS2, batch 128, Adam 1e-4, early stop on L1 (about 610k steps in IP-LAP).

python run_train.py --config=configs/audio2mouth.py --workdir=WORK/audio2mouth --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('audio2mouth', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=610_000, benchmark=2_400, quickstart=720, debug=8)
  cfg.batch_size = pick(full=128, quickstart=24, debug=8)
  cfg.optimizer.lr = pick(full=1e-4, quickstart=2e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  # A post-norm transformer at a high rate stays on a plateau without these.
  cfg.optimizer.warmup = pick(full=0, quickstart=50, debug=0)
  cfg.optimizer.clip = pick(full=0.0, quickstart=1.0, debug=0.0)
  cfg.eval_every = pick(paper=5_000, ours=cfg.eval_every)  # IP-LAP's
  cfg.patience = pick(full=20, quickstart=0, debug=0)
  cfg.needs = ('statistics',)
  cfg.best = 'l1'
  cfg.data.dataset = sizes.lrs(preset)
  cfg.data.kind = 'mouth'
  # Up to 1: other tracts, microphones and noise than were recorded; 0 for the sound as it is.
  cfg.data.augment = 0.0
  cfg.model.update(dict(
    width=pick(full=1.0, quickstart=0.25, debug=0.125),
    dim=pick(full=512, quickstart=128, debug=32), heads=4,
    layers=pick(full=4, quickstart=4, debug=1),
    ffn=pick(full=1024, quickstart=256, debug=64),
    dropout=pick(full=0.1, quickstart=0.0, debug=0.1), head='iplap',
    # Landmarks in the face's own frame, standardised; False: as they are in the crop (IP-LAP).
    stable_frame=pick(paper=False, ours=True),
    # Each mel band in units of its own spread in the utterance.
    per_utterance=pick(paper=False, ours=True)))
  # Lambda of Eq. 4. Its 2-norm over 114 coordinates outweighs the mean L1, so few steps want less.
  cfg.loss.velocity = pick(full=1.0, quickstart=0.1, debug=1.0)
  return cfg
