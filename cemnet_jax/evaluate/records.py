"""Results of single cases on disk, one file each: an evaluation that was stopped goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cemnet_jax import fingerprints
from cemnet_jax.evaluate.cases import Case
from cemnet_jax.files import whole
from cemnet_jax.metrics.tally import Tally
from cemnet_jax.train.ckpt import read_json, write_json

IDENTITY = 'identity.json'


class Record(NamedTuple):
  """What was measured of one case made by one method.

  Attributes:
    scores: metric -> sum and count.
    taken_for: shares of frames that the emotion scorer takes for each emotion, () if undrawn.
    features: of some frames, for FID; (0, 0) if undrawn.
  """
  scores: dict[str, Tally]
  taken_for: tuple[float, ...]
  features: Float[np.ndarray, 'F D']


class Records:
  """The records of one identity (weights, data, code, settings), kept apart from those of others.

  Args:
    folder: of all records, those of other identities too.
    identity: what decides about the numbers.
    say: is told when there are records of other identities alone, and what differs.
  """

  def __init__(self, folder, identity: dict, say: Callable[[str], None] = print):
    self._folder = Path(folder) / fingerprints.of_value(identity)
    if not self._folder.is_dir():
      others = sorted(Path(folder).glob(f'**/{IDENTITY}'), key=lambda file: file.stat().st_mtime)
      if others:
        known = read_json(others[-1])
        differing = sorted(k for k in {*known, *identity} if known.get(k) != identity.get(k))
        say(f'{folder}: was measured with another {", ".join(differing)}; all is measured anew')
    self._folder.mkdir(parents=True, exist_ok=True)
    write_json(self._folder / IDENTITY, identity)

  def get(self, method: str, case: Case, drawn: bool) -> Record | None:
    """The record of a case if there is one; one with pictures also serves where none are asked."""
    for name in [_name(case, True)] + [_name(case, False)] * (not drawn):
      path = self._folder / method / name
      if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
          value = json.loads(str(stored['scores']))
          return Record({k: Tally(*v) for k, v in value['scores'].items()},
                        tuple(value['taken_for']), stored['features'])
    return None

  def put(self, method: str, case: Case, drawn: bool, record: Record) -> None:
    """Keeps a record, whole or not at all."""
    path = self._folder / method / _name(case, drawn)
    value = json.dumps({'scores': record.scores, 'taken_for': record.taken_for})
    with whole(path, '.npz') as beside:
      np.savez(beside, scores=value, features=record.features)


def _name(case, drawn):
  return f'{case.driving}-{case.reference}-{case.seed}{"-drawn" if drawn else ""}.npz'
