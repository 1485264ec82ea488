"""Ablation without the memory: the cross-emotion features go straight to the landmark decoder.

python run_train.py --config=configs/ebm_direct.py --workdir=WORK/ebm_direct --data=DATA
"""

from configs import common, ebm


def get_config(preset=common.DEFAULT):
  cfg = ebm.get_config(preset)
  cfg.stage = 'ebm_direct'
  cfg.module = 'ebm'
  cfg.model.use_memory = False
  return cfg
