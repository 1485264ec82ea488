"""Settings and zero batches of a data config."""

import numpy as np
from ml_collections import ConfigDict

from cemnet_jax.data.schema import DEFAULTS, SPEC, example, settings


def test_config_wins_over_defaults():
  found = settings(ConfigDict({'dataset': 'a', 'kind': 'mouth', 'T': 7}))
  assert found.T == 7 and found.N == DEFAULTS['N'] and found.dataset == 'a'


def test_example_has_the_sizes_of_the_config():
  cfg = ConfigDict({'dataset': '', 'kind': 'cross', 'image_size': 16, 'T': 3, 'N': 2,
                    'emotion_windows': 4})
  batch = example(cfg, 6)
  assert batch['mel'].shape == (6, 3, 80, 16) and batch['ref_images'].shape == (6, 2, 16, 16, 3)
  assert batch['mfcc'].shape == (6, 4, 28, 12) and batch['emotion'].shape == (6,)
  assert batch['ref_images'].dtype == np.uint8 and not any(v.any() for v in batch.values())


def test_every_kind_tells_clip_and_mask():
  for kind, keys in SPEC.items():
    assert {'clip', 'mask', 'emotion', 'speaker'} <= keys.keys(), kind
    assert all(key.meaning for key in keys.values())
