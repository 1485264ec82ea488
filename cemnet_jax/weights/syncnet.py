"""SyncNet v2's public weights (syncnet_v2.model of syncnet_python) for `nets.syncnet.SyncNet`."""

from pathlib import Path
from typing import Any

from cemnet_jax.nets.syncnet import SyncNet
from cemnet_jax.weights.mapping import (
  CONV,
  Entry,
  convolution,
  dense,
  norm,
  shapes_of,
  time_as_channels,
  to_variables,
)
from cemnet_jax.weights.torch_files import read_tensors

Tree = Any
CONVS = 0, 4, 8, 11, 14, 18  # places of the convolutions in each tower; BatchNorm stands behind
FRAMES = 5  # that the first kernel of the lip tower spans; the others see one
PICTURES = 224  # px


def entries() -> list[Entry]:
  """The tensors of syncnet_python's `S` (spec 9.1) and our leaves."""
  table = []
  for theirs, ours in (('aud', 'audio'), ('lip', 'lip')):
    for i, place in enumerate(CONVS):
      turn = CONV if ours == 'audio' else time_as_channels(1 if i else FRAMES)
      table += convolution(f'netcnn{theirs}.{place}', (f'{ours}_{i}', 'conv'), turn=turn)
      table += norm(f'netcnn{theirs}.{place + 1}', (f'{ours}_{i}', 'norm'))
    head = f'{ours}_head'
    table += dense(f'netfc{theirs}.0', (head, 'dense_0'))
    table += norm(f'netfc{theirs}.1', (head, 'norm'))
    table += dense(f'netfc{theirs}.3', (head, 'dense_1'))
  return table


def load_syncnet(path: str | Path) -> tuple[SyncNet, dict[str, Tree]]:
  """The net at its public size and its variables; UserError where the file holds others."""
  net = SyncNet()
  shapes = shapes_of(net, (1, FRAMES, PICTURES, PICTURES, 3), (1, 13, 20), train=False)
  return net, to_variables(entries(), read_tensors(path), shapes, str(path))
