"""The stages: each module has `make(cfg) -> Stage`; a config names its module."""

import importlib


def load(cfg):
  """The module of a stage's config, for example `cemnet_jax.stages.voice` for `timbre`."""
  return importlib.import_module(f'cemnet_jax.stages.{cfg.module}')
