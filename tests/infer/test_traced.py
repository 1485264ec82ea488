"""A program that was traced before is taken from its file, and computes the same."""

import subprocess
import sys
from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.infer import forward, traced
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.compiled import compiled
from tests.infer.tiny_system import drawn_face


@traced.storable
class Pair(NamedTuple):
  a: jax.Array
  b: jax.Array


class Scaled(nn.Module):
  factor: float


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
  monkeypatch.setenv('CEMNET_CACHE', str(tmp_path))
  monkeypatch.setattr(traced, '_kept', True)


@pytest.fixture
def call():
  """A function as a new process has it, and how often it was traced."""
  traces = []

  def function(net, pair, more):
    traces.append(1)
    return Pair(net.factor * jnp.sin(pair.a), pair.b if more is None else pair.b + more)

  return (lambda: compiled(function)), traces


def files(folder):
  return sorted(p for p in folder.rglob('*') if p.is_file())


def test_it_is_traced_once_and_computes_the_same(call, tmp_path, monkeypatch):
  fresh, traces = call
  pair = Pair(np.linspace(0, 1, 8, dtype=np.float32), np.ones((2, 3), np.float32))
  first, second = fresh()(Scaled(2.0), pair, None), fresh()(Scaled(2.0), pair, None)
  assert len(traces) == 1 and len(files(tmp_path)) == 1
  monkeypatch.setattr(traced, '_kept', False)
  plain = fresh()(Scaled(2.0), pair, None)
  for other in (first, second):
    assert isinstance(other, Pair)
    chex.assert_trees_all_equal(other, plain)


@pytest.mark.parametrize('change', ['field', 'shape', 'type', 'tree', 'source'])
def test_what_it_depends_on_changes_the_file(call, change, tmp_path, monkeypatch):
  fresh, traces = call
  pair = Pair(np.ones(4, np.float32), np.ones(4, np.float32))
  fresh()(Scaled(2.0), pair, None)
  if change == 'source':
    monkeypatch.setattr(traced, '_source', lambda: 'other')
  others = {'shape': Pair(pair.a[:2], pair.b), 'type': Pair(np.ones(4, np.int32), pair.b)}
  got = fresh()(Scaled(3.0 if change == 'field' else 2.0), others.get(change, pair),
                pair.b if change == 'tree' else None)
  assert len(traces) == 2 and len(files(tmp_path)) == 2
  np.testing.assert_allclose(got.a[0], (3 if change == 'field' else 2) * np.sin(1), rtol=1e-6)


def test_a_damaged_file_is_made_anew(call, tmp_path):
  fresh, traces = call
  pair = Pair(np.ones(4, np.float32), np.ones(4, np.float32))
  fresh()(Scaled(2.0), pair, None)
  file, = files(tmp_path)
  whole = file.read_bytes()
  for damaged in (whole[:-9], b'', whole[:40] + b'?' + whole[41:]):
    file.write_bytes(damaged)
    fresh()(Scaled(2.0), pair, None)
    assert traced._read(file) and files(tmp_path) == [file]
  assert len(traces) == 4


def test_a_folder_that_cannot_be_written_is_no_error(call, tmp_path, monkeypatch):
  (tmp_path / 'file').touch()
  monkeypatch.setenv('CEMNET_CACHE', str(tmp_path / 'file'))
  pair = Pair(np.ones(4, np.float32), np.ones(4, np.float32))
  got = call[0]()(Scaled(2.0), pair, None)
  np.testing.assert_allclose(got.a, 2 * np.sin(pair.a), rtol=1e-6)
  assert len(files(tmp_path)) == 1


def test_the_source_counts(tmp_path, monkeypatch):
  before = traced._source()
  (tmp_path / 'a.py').write_text('a = 1')
  monkeypatch.setattr(traced, 'PACKAGE', tmp_path)
  traced._source.cache_clear()
  one = traced._source()
  (tmp_path / 'a.py').write_text('a = 2')
  traced._source.cache_clear()
  assert len({before, one, traced._source()}) == 3
  monkeypatch.undo()
  traced._source.cache_clear()
  assert traced._source() == before


def test_no_module_tells_an_address(talker):
  """A module whose text differs between processes would be traced again by each."""
  nets = talker._nets
  for module in (nets.mouth, nets.renderer, nets.bridge.memory, nets.bridge.voice,
                 nets.bridge.picture, nets.bridge.identity):
    assert ' at 0x' not in repr(module.module)


def test_a_video_is_the_same_bit_for_bit(talker, speech, tmp_path, monkeypatch):
  for function in vars(forward).values():  # another test may have traced them
    getattr(function, 'forget', lambda: None)()
  points, image = drawn_face(120)
  picture = refs.from_arrays([image], points[None])
  kept = talker.speak(picture, speech)
  assert len(files(tmp_path)) >= 9
  monkeypatch.setattr(traced, '_kept', False)
  plain = talker.speak(picture, speech)
  np.testing.assert_array_equal(kept.frames, plain.frames)
  np.testing.assert_array_equal(kept.landmarks, plain.landmarks)


def test_the_face_is_sought_without_jax():
  code = ('import sys; from cemnet_jax.infer import start; import cemnet_jax.commands.generate; '
          'assert not {"jax", "flax", "mediapipe"} & set(sys.modules)')
  subprocess.run([sys.executable, '-c', code], check=True)
