"""Weights written for PyTorch: networks there load them whole, and they come back bit by bit."""

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from cemnet_jax.errors import UserError
from cemnet_jax.nets.audio2mouth import Audio2Mouth
from cemnet_jax.nets.ebm import EmotionBridgingMemory
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.nets.wav2lip import Wav2Lip
from cemnet_jax.weights import export
from cemnet_jax.weights.export_tables import counterpart, differs, sizes
from cemnet_jax.weights.mapping import shapes_of

A2M = dict(width=0.125, dim=32, layers=1, ffn=48)
RENDER = dict(width=8, wide=16, hidden=8, audio_dim=16, audio_width=1 / 16)
A2M_INPUTS = (1, 5, 80, 16), (1, 5, 74, 2), (1, 3, 131, 2)
RENDER_INPUTS = (1, 8, 8, 3), (1, 5, 8, 8), (1, 2, 8, 8, 3), (1, 2, 8, 8), (1, 80, 16)
MEMORY_INPUTS = (1, 5, 114), (1, 16), (1, 24), (1, 20)


def some_variables(net, *inputs):
  rng = np.random.default_rng(0)
  return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype),
                      shapes_of(net, *inputs, train=False))


@pytest.mark.parametrize('suffix', export.SUFFIXES.values())
@pytest.mark.parametrize(('net', 'inputs', 'changed'), [
  (Audio2Mouth(**A2M), A2M_INPUTS, {'width': 0.125, 'dim': 32}),
  (Audio2Mouth(head='paper', dropout=0.5, **A2M), A2M_INPUTS,
   {'width': 0.125, 'dim': 32, 'head': 'paper'}),
  (Renderer(centred=True, flow_scale=0.1), RENDER_INPUTS, {}),
  (Renderer(audio_adain=False, skip=True, quirk=False, **RENDER), RENDER_INPUTS,
   RENDER | {'audio_adain': False, 'skip': True, 'quirk': False}),
  (Renderer(skip=True, occlusion=True, head=8, **RENDER), RENDER_INPUTS,
   RENDER | {'skip': True, 'occlusion': True, 'head': 8}),
  (EmotionBridgingMemory(slots=4, dim=16, hidden=8), MEMORY_INPUTS, {}),
  (EmotionBridgingMemory(dim=16, use_memory=False, query_includes_motion=False), MEMORY_INPUTS,
   {'use_memory': False, 'query_includes_motion': False}),
  (EmotionBridgingMemory(slots=4, dim=16, hidden=8, centred_addresses=False, read_norm=False),
   MEMORY_INPUTS, {'centred_addresses': False, 'read_norm': False})])
def test_what_is_written_is_read(net, inputs, changed, suffix, tmp_path):
  if suffix == '.pth':
    pytest.importorskip('torch')
  variables = some_variables(net, *inputs)
  theirs = counterpart(net, variables)
  path = tmp_path / f'net{suffix}'
  export.write_tensors(path, export.tensors_of(theirs, variables))
  assert export.net_difference(path, theirs, variables) == 0
  assert differs(net, theirs.fixed) == changed and changed.items() <= sizes(net).items()
  leaf = next(iter(flatten_dict(variables).values()))
  leaf.flat[0] += 0.5
  assert export.net_difference(path, theirs, variables) == pytest.approx(0.5, abs=1e-6)


def test_networks_of_pytorch_take_every_tensor(tmp_path):
  torch = pytest.importorskip('torch')
  cases = pytest.importorskip('benchmarks.torch_nets.cases')
  compare = pytest.importorskip('benchmarks.torch_nets.compare')
  for name in ('Audio2Mouth', 'renderer', 'Wav2Lip', 'audio encoder', 'image emotion', 'memory',
               'IResNet-18', 'gray ResNet-18'):
    case = cases.ALL[name](paper=False)
    variables = compare.convert(case)
    path = tmp_path / 'net.pth'
    export.write_tensors(path, export.tensors_of(counterpart(case.net, variables), variables))
    before = {key: x.clone() for key, x in case.model.state_dict().items()}
    compare.randomise(case.model, seed=1)
    case.model.load_state_dict(torch.load(path, weights_only=True), strict=True)
    for key, x in case.model.state_dict().items():
      close = 1e-3 * key.endswith('.pe')  # the tables are computed anew
      assert torch.allclose(x, before[key], rtol=0, atol=close), (name, key)


def test_small_pictures_have_no_public_wav2lip():
  net = Wav2Lip(0.0625)
  variables = some_variables(net, (1, 24, 24, 3), (1, 24, 24, 3), (1, 80, 16))
  with pytest.raises(UserError, match='draws 96 px, .* use --format stablehlo'):
    counterpart(net, variables)


def test_arrays_of_no_net(tmp_path):
  arrays = {'landmarks.mean': np.float32([[1, 2]]), 'prototypes.count': np.float32([3])}
  path = tmp_path / 'statistics.safetensors'
  export.write_tensors(path, arrays)
  assert export.arrays_difference(path, arrays) == 0
  assert export.arrays_difference(path, arrays | {'prototypes.count': np.float32([5])}) == 2
