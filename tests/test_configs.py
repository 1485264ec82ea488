"""Preset `paper` is the paper as the spec reads it; `full` and smaller ones are this project's."""

import importlib

import pytest

from cemnet_jax.errors import UserError
from configs import common

# Stage -> what the paper says of it, and where it is silent the ancestor that the spec names.
PAPER = {
  'audio2mouth': {  # IV-B, IV-C; spec 2.3, 2.4 (IP-LAP)
    'data.dataset': 'synth_mead/lrs_full', 'data.N': 5, 'data.T': 5, 'data.augment': 0.0,
    'batch_size': 128, 'steps': 610_000, 'patience': 20, 'eval_every': 5_000, 'best': 'l1',
    'model.dim': 512, 'model.heads': 4, 'model.layers': 4, 'model.ffn': 1024, 'model.width': 1.0,
    'model.dropout': 0.1, 'model.head': 'iplap', 'model.per_utterance': False,
    'model.stable_frame': False, 'optimizer.lr': 1e-4, 'loss.velocity': 1.0},
  'aee': {  # IV-C, spec 3.4, contradictions 3 and 5
    'data.dataset': 'synth_mead/mead_full', 'batch_size': 16, 'model.dim': 128,
    'model.hidden': (2048, 512), 'model.natural': False, 'optimizer.lr': 2e-4,
    'optimizer.b1': 0.5, 'decoder_optimizer.lr': 2e-4, 'ema': 0.0, 'loss.reconstruction': 1.0,
    'loss.timbre': 1.0, 'loss.emotion': 1.0, 'loss.triplet': 1.0, 'loss.margin': 1.0},
  'image_emotion': {  # spec 4.4
    'model.width': 64, 'batch_size': 64, 'optimizer.lr': 2e-4, 'optimizer.b1': 0.5,
    'data.image_size': 128},
  'identity': {'model.stages': (3, 4, 14, 3), 'model.dim': 512, 'model.input_size': 112},  # spec 5
  'ebm': {  # III-C, spec 6.4 (SyncTalkFace)
    'data.dataset': 'synth_mead/mead_full', 'batch_size': 128, 'optimizer.lr': 1e-4, 'ema': 0.0,
    'pool.batches': 0, 'model.slots': 96, 'model.dim': 512, 'model.scale': 16.0,
    'model.residual': True, 'model.query_includes_motion': True, 'model.identity_noise': 0.0,
    'model.centred_addresses': False, 'model.read_norm': False, 'loss.mouth': 10.0,
    'loss.teacher': 10.0, 'loss.velocity': 1.0, 'loss.reconstruction': 0.2,
    'loss.alignment': 0.2, 'loss.direction': 'value_to_key'},
  'renderer': {  # III-D, IV-C, spec 7.3, 7.4 (IP-LAP)
    'data.dataset': 'synth_mead/lrs_full', 'data.N': 5, 'data.T': 5, 'data.image_size': 128,
    'data.cross_ref': 0.0, 'data.closed_ref': 0.0, 'data.open_target': 0.0,
    'data.landmark_flow': False, 'data.lines': 'iplap', 'batch_size': 96, 'steps': 140_000,
    'optimizer.lr': 1e-4, 'disc_optimizer.lr': 1e-4, 'disc_optimizer.b1': 0.5, 'ema': 0.0,
    'model.width': 32, 'model.wide': 256, 'model.hidden': 256, 'model.kernel': 7,
    'model.audio_adain': True, 'model.quirk': True, 'model.flow_scale': 1.0,
    'model.centred': False, 'model.skip': False, 'model.occlusion': False, 'model.head': 0,
    'model.disc_width': 64, 'loss.warp': 10.0, 'loss.perceptual': 16.0, 'loss.gan': 0.25,
    'loss.feature_matching': 1.0, 'loss.mouth': 0.0, 'loss.unseen': 0.0,
    'loss.warmup_steps': 12_000, 'loss.perceptual_net': 'vgg19', 'loss.style': 250.0}}
PAPER['ebm_direct'] = PAPER['ebm'] | {'model.use_memory': False}
PAPER['ebm_no_aee'] = PAPER['ebm'] | {'model.emotion_stage': 'audio_emotion'}
# Of every stage: Adam as it is, no warm-up, no clipping.
ALWAYS = {'optimizer.b2': 0.999, 'optimizer.weight_decay': 0.0, 'optimizer.schedule': 'constant',
          'optimizer.warmup': 0, 'optimizer.clip': 0.0}


def config(stage, preset):
  return importlib.import_module(f'configs.{stage}').get_config(preset)


def value(cfg, name):
  for key in name.split('.'):
    cfg = cfg[key]
  return cfg


@pytest.mark.parametrize('stage', PAPER)
def test_paper_is_the_papers(stage):
  cfg, wanted = config(stage, 'paper'), ALWAYS | PAPER[stage]
  assert {name: value(cfg, name) for name in wanted} == wanted


@pytest.mark.parametrize(('stage', 'name', 'ours'), [
  ('renderer', 'model.skip', True), ('renderer', 'loss.perceptual_net', 'image_emotion'),
  ('renderer', 'data.landmark_flow', True), ('ebm', 'model.centred_addresses', True),
  ('ebm', 'model.read_norm', True), ('ebm', 'ema', 0.999), ('aee', 'loss.reconstruction', 0.3),
  ('audio2mouth', 'model.per_utterance', True), ('audio2mouth', 'model.stable_frame', True)])
def test_full_and_its_small_sizes_are_this_projects(stage, name, ours):
  assert {value(config(stage, preset), name) for preset in common.OURS} == {ours}


def test_values_are_picked_by_preset():
  def picked(preset, **values):
    return common.picker(preset)(**values)

  assert picked('benchmark', full=1, quickstart=2, debug=3) == 2
  assert picked('paper', full=1, quickstart=2, debug=3) == 1
  assert picked('paper', paper=0, full=1, quickstart=2) == 0
  assert [picked(name, paper=0, ours=1) for name in common.PRESETS] == [1, 1, 1, 1, 0]
  with pytest.raises(UserError, match="unknown 'tiny', use one of full, benchmark, quick"):
    common.picker('tiny')
