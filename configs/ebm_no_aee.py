"""Ablation without AEE: the memory is asked with the merely classified audio emotion.

python run_train.py --config=configs/ebm_no_aee.py --workdir=WORK/ebm_no_aee --data=DATA
"""

from configs import common, ebm


def get_config(preset=common.DEFAULT):
  cfg = ebm.get_config(preset)
  cfg.stage = 'ebm_no_aee'
  cfg.module = 'ebm'
  cfg.needs = ('audio2mouth', 'audio_emotion', 'image_emotion', 'identity')
  cfg.model.emotion_stage = 'audio_emotion'
  return cfg
