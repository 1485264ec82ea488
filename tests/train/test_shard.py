"""Meshes, sharding rules and global arrays on eight virtual devices."""

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from ml_collections import ConfigDict

from cemnet_jax.errors import UserError
from cemnet_jax.train import shard


def mesh(data=-1, fsdp=1):
  return shard.make_mesh(ConfigDict(dict(data=data, fsdp=fsdp)))


def test_mesh_takes_the_devices_it_is_given():
  assert dict(mesh().shape) == {'data': 8, 'fsdp': 1}
  assert dict(mesh(fsdp=4).shape) == {'data': 2, 'fsdp': 4}
  assert mesh(data=3, fsdp=2).size == 6
  for bad in (dict(data=9), dict(data=4, fsdp=4), dict(fsdp=16)):
    with pytest.raises(UserError, match='set mesh.data and mesh.fsdp'):
      mesh(**bad)


def test_first_rule_found_in_the_path_decides():
  tree = {'params': {'net': {'kernel': np.zeros((3, 16, 8)), 'bias': np.zeros(8)},
                     'odd': np.zeros((3, 5))}, 'step': np.zeros(())}
  rules = (('net/bias', 'replicate'), ('params', 'fsdp'))
  specs = jax.tree.map(lambda s: s.spec, shard.state_sharding(mesh(fsdp=4), tree, rules))
  assert specs == {'params': {'net': {'kernel': P(None, 'fsdp'), 'bias': P()}, 'odd': P()},
                   'step': P()}
  large = shard.state_sharding(mesh(fsdp=4), tree, rules, min_size=1000)
  assert large['params']['net']['kernel'].spec == P()
  with pytest.raises(UserError, match="unknown rule 'fdsp' for params/net"):
    shard.state_sharding(mesh(fsdp=4), tree, (('kernel', 'fdsp'),))


def test_batches_split_over_all_devices():
  m = mesh(fsdp=2)
  x = np.arange(16.).reshape(16, 1)
  placed = shard.to_global({'x': x}, shard.batch_sharding(m))['x']
  np.testing.assert_array_equal(placed, x)
  assert {s.data.shape for s in placed.addressable_shards} == {(2, 1)}
  shard.check_batch(16, m)
  with pytest.raises(UserError, match='multiple of 8'):
    shard.check_batch(12, m)
