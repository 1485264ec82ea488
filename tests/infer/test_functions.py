"""Inference as functions of arrays: what a server computes from them is what a talker computes."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from jax import export

from cemnet_jax.infer import forward, loading, stablehlo, wav2lip
from cemnet_jax.infer.functions import Function, Input, of_talker, of_wav2lip, some_inputs
from cemnet_jax.nets.wav2lip import Wav2Lip
from tests.nets.random_variables import random_variables


@pytest.fixture(scope='module')
def nets(system_dir):
  return loading.load(system_dir)


@pytest.fixture(scope='module')
def functions(nets):
  return of_talker(nets)


def test_outputs_have_names_and_feed_each_other(nets, functions):
  shapes = {}
  for name, function in functions.items():
    out = jax.eval_shape(function.call, *some_inputs(function))
    shapes[name] = dict(zip(function.outputs, (x.shape for x in out), strict=True))
  size, dim, window = nets.image_size, nets.mouth.module.dim, nets.window
  assert shapes['frame_tokens'] == {
    'audio': (6, dim), 'pose': (6, dim), 'scale_rot': (6, 2), 'centre': (6, 2)}
  assert shapes['reference_tokens'] == {'references': (1, 3, dim)}
  assert shapes['motions'] == {'motion': (2, window, 57, 2)}
  assert shapes['mouths'] == {'mouth': (2, window, 57, 2)}
  assert shapes['render'] == {'crops': (2, size, size, 3)}
  cues = shapes['speech_emotion'] | shapes['reference_cues']
  for taker, given in (('mouths', cues), ('render', shapes['encode_references'])):
    inputs = functions[taker].inputs
    assert {name: (1, 3, *x[2:]) if len(x) > 2 else x for name, x in given.items()} == {
      name: tuple(3 if n == 'N' else n for n in inputs[name].shape) for name in given}


def test_without_a_memory_none_of_its_functions_is_there(nets):
  found = of_talker(nets._replace(bridge=None))
  assert found.keys() == {'frame_tokens', 'reference_tokens', 'motions', 'mouths',
                          'encode_references', 'render'}
  assert list(found['mouths'].inputs) == ['motion', 'scale_rot', 'centre']


def test_wav2lip_is_written_for_any_number_of_frames(tmp_path):
  net, size = Wav2Lip(0.0625), 24
  pictures = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
  mel = jax.ShapeDtypeStruct((1, 80, 16), np.float32)
  variables = random_variables(net, pictures, pictures, mel, train=False)
  draw = of_wav2lip(wav2lip.Networks(forward.Net(net, variables), size))['draw']
  stablehlo.write(tmp_path / 'draw.stablehlo', draw)
  program = export.deserialize(bytearray((tmp_path / 'draw.stablehlo').read_bytes()))
  assert [str(x) for x in program.out_avals] == ['uint8[B,24,24,3]']


SERVER = '''
import sys
import jax, numpy as np
jax.config.update('jax_platforms', 'cpu')
from jax import export
program = export.deserialize(bytearray(open(sys.argv[1], 'rb').read()))
assert set(program.platforms) == {'cpu', 'cuda', 'tpu'}, program.platforms
given = np.load(sys.argv[2])
np.savez(sys.argv[3], *jax.jit(program.call)(*(given[name] for name in given.files)))
assert not {'flax', 'cemnet_jax'} & set(sys.modules), 'only jax is needed'
'''


@pytest.mark.parametrize('name', ['mouths', 'encode_references'])
def test_another_process_computes_the_same_with_jax_alone(functions, name, tmp_path):
  function = functions[name]
  path = tmp_path / f'{name}.stablehlo'
  stablehlo.write(path, function)
  assert stablehlo.difference(path, function) < 1e-5
  more = [np.concatenate([x, x, x]) if x.shape[0] > 1 else x for x in some_inputs(function, 1)]
  np.savez(tmp_path / 'in.npz', *more)
  subprocess.run([sys.executable, '-c', SERVER, str(path), str(tmp_path / 'in.npz'),
                  str(tmp_path / 'out.npz')], check=True, timeout=600, cwd=tmp_path)
  wanted, got = function.call(*more), np.load(tmp_path / 'out.npz')
  assert len(got.files) == len(wanted) == len(function.outputs)
  for ours, key in zip(wanted, got.files, strict=True):
    np.testing.assert_allclose(got[key], ours, rtol=1e-4, atol=1e-5)


def test_a_file_holds_no_weights_but_its_own(nets, functions, tmp_path):
  path = tmp_path / 'encode.stablehlo'
  stablehlo.write(path, functions['encode_references'])
  whole = sum(x.nbytes for x in jax.tree.leaves(nets.renderer.variables))
  assert path.stat().st_size < whole / 10


def test_differences_are_found(tmp_path):
  inputs = {'x': Input('float32', ('B', 3))}
  made = lambda scale: Function(lambda x: (scale * x,), inputs, ('y',))
  path = tmp_path / 'f.stablehlo'
  stablehlo.write(path, made(1.0))
  assert stablehlo.difference(path, made(1.0)) == 0
  assert stablehlo.difference(path, made(1.01)) == pytest.approx(0.01 / 1.01, rel=1e-3)
  assert stablehlo.difference(path, made(float('nan'))) == float('inf')
  levels = lambda more: Function(lambda x: ((50 * x).astype('uint8') + np.uint8(more),), inputs,
                                 ('y',))
  stablehlo.write(path, levels(0))
  assert stablehlo.difference(path, levels(1)) == 0
  assert stablehlo.difference(path, levels(3)) > 0.01
