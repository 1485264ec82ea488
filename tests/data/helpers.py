"""Configs of data for the tests of this folder."""

from ml_collections import ConfigDict

from cemnet_jax.data.pipeline import make_dataset


def config(kind, **fields):
  """A data config over the debug world that has what `kind` needs."""
  world = 'lrs_debug' if kind == 'speech' else 'mead_debug'
  return ConfigDict({'dataset': f'synth_mead/{world}', 'kind': kind, 'image_size': 32, **fields})


def batches(cfg, data_dir, split='train', seed=7, batch_size=8, train=True, **processes):
  """`make_dataset` with small defaults."""
  return make_dataset(cfg, data_dir, split, seed=seed, batch_size=batch_size, train=train,
                      **processes)
