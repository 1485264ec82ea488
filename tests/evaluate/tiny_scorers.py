"""Untrained scorers of debug width on disk."""

import importlib

import numpy as np

from cemnet_jax.stages import build
from tests.infer.tiny_system import save_stage

_NETS = {'syncnet': ('syncnet', build.syncnet), 'identity_scorer': ('identity', build.identity),
         'emotion_scorer': ('emotion_scorer', build.emotion_scorer),
         'landmark_scorer': ('landmark_scorer', build.landmark_scorer)}


def save_scorers(folder, names=tuple(_NETS)):
  """Writes the scorers' stages, with random weights."""
  for name in names:
    cfg = importlib.import_module(f'configs.{name}').get_config('debug')
    size = cfg.data.image_size
    pictures = np.zeros((1, *[5] * (name == 'syncnet'), size, size, 3), np.float32)
    mfcc = (np.zeros((1, 13, 20), np.float32),) * (name == 'syncnet')
    net, make = _NETS[name]
    save_stage(folder, cfg, net, make(cfg.model), (pictures, *mfcc), {})
  return folder
