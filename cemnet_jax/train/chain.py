"""The chain of what trained stages were made of: read from their folders, compared, refused.

A stage's folder says in `identity.json` which datasets and which frozen stages it learned from. Its
fingerprint covers that, its config and its parameters, so an equal one means an equal chain.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flax.traverse_util import flatten_dict

from cemnet_jax import crops, fingerprints
from cemnet_jax.errors import UserError
from cemnet_jax.train import ckpt

# A resumed run may change these; any other change would make a mixture of two experiments. `steps`
# may change where no schedule ends with them: `loop.check_config` sees to that.
FREE_KEYS = ('steps', 'log_every', 'save_every', 'eval_every', 'eval_batches', 'patience', 'best',
             'workers', 'mesh', 'sharding')
FROZEN, DATASET = 'frozen.', 'dataset.'  # how names in an identity begin


class Link(NamedTuple):
  """One stage of a system.

  Attributes:
    folder: where it is, for messages.
    preset: of its config; '' where it was imported.
    step: of its best checkpoint.
    fingerprint: of its parameters, config and `identity`.
    identity: 'dataset.NAME' -> version and digest, 'frozen.STAGE' -> fingerprint, and other inputs;
      empty where the stage is older than such records, or imported.
    people: who speaks in its training data, as `data.source.Clips.people` names them.
    crop: the rule of the crops that it learned from, see `cemnet_jax.crops`.
  """
  folder: str
  preset: str
  step: int
  fingerprint: str
  identity: Mapping[str, str]
  people: frozenset[str] = frozenset()
  crop: str = ''

  def datasets(self) -> dict[str, str]:
    """Name -> version and digest of the data that it learned from."""
    return _named(self.identity, DATASET)

  def frozen(self) -> dict[str, str]:
    """Stage -> fingerprint of the frozen stages that it learned from."""
    return _named(self.identity, FROZEN)

  def recorded(self) -> dict[str, Any]:
    """What an exported system tells of it, without names of people; `of_record` reads it."""
    return {'preset': self.preset, 'step': self.step, 'fingerprint': self.fingerprint,
            'identity': dict(self.identity), 'crop': self.crop}

  @classmethod
  def of_record(cls, folder: str, record: Mapping) -> 'Link':
    """From an export; one made before fingerprints tells its step alone."""
    return cls(folder, record.get('preset', ''), record['step'], record.get('fingerprint', ''),
               record.get('identity', {}), crop=record.get('crop', ''))


def begin(workdir: Path, identity: Mapping[str, str], people: set[str]) -> None:
  """Writes what a run that begins in `workdir` is made of."""
  ckpt.write_json(Path(workdir) / ckpt.IDENTITY,
                  {'identity': dict(identity), 'people': sorted(people)})


def identity_of(folder: Path) -> dict[str, str]:
  """What the run in a folder was made of; {} where it is older than such records."""
  return ckpt.read_json(Path(folder) / ckpt.IDENTITY).get('identity', {})


def read(folder: Path, trained: Mapping | None = None) -> Link:
  """The link of a trained stage.

  Args:
    trained: its `ckpt.load_params`, where they are at hand.

  Raises:
    UserError: there is no trained stage.
  """
  folder = Path(folder)
  kept, config = ckpt.read_json(folder / ckpt.IDENTITY), ckpt.load_config(folder)
  step, identity = ckpt.best_step(folder), kept.get('identity', {})
  parameters = _digest(trained) if trained else _stored(folder, step, _changed(folder, step))
  own = {key: value for key, value in config.items() if key not in (*FREE_KEYS, 'frozen')}
  return Link(str(folder), config.get('preset', ''), step,
              fingerprints.of_stage(parameters, own, identity), identity,
              frozenset(kept.get('people', ())), crops.of_config(config))


def read_all(system_dir: Path) -> dict[str, Link]:
  """Stage -> link of every stage of a workdir that has checkpoints, in the order of names."""
  return {folder.name: read(folder) for folder in sorted(Path(system_dir).iterdir())
          if (folder / ckpt.FOLDER).is_dir()}


def check(links: Mapping[str, Link]) -> None:
  """UserError unless each stage learned from those that stand beside it here, all of them from
  crops by one rule.

  Stages that it learned from and that are not among `links` are not asked for.
  """
  for name, link in links.items():
    for need, fingerprint in link.frozen().items():
      beside = links.get(need)
      if beside and beside.fingerprint and beside.fingerprint != fingerprint:
        raise UserError(
          f'{link.folder}: {name} was trained on another {need} ({fingerprint}) than is here '
          f'({beside.fingerprint}); train {name} anew, or put the {need} of its training back')
  check_crops(links, {})


def check_crops(links: Mapping[str, Link], data: Mapping[str, str]) -> None:
  """UserError where stages, or data that they are to see, are of crops by two rules.

  Args:
    data: name -> rule of the datasets.
  """
  stages = {f'{name} in {link.folder}': link.crop for name, link in links.items()}
  crops.check({**data, **stages}, 'one rule serves all stages and data: use a dataset of the rule '
              'that they learned from (`cemnet prepare --crop`), or train anew')


def check_data(links: Mapping[str, Link], identity: Mapping[str, str], held_out: set[str]) -> None:
  """UserError where stages know other builds of a dataset, or people who are held out from them.

  Args:
    identity: name -> version and digest of the datasets to evaluate on.
    held_out: people of the splits whose speakers must be unseen.
  """
  for name, link in links.items():
    changed = fingerprints.differences(link.datasets(), identity)
    if changed:
      raise UserError(f'{link.folder}: {name} was trained on another build of the dataset '
                      f'({"; ".join(changed)}); evaluate on that build, or train anew')
  for name, link in links.items():
    seen = sorted(held_out & link.people)
    if seen:
      raise UserError(
        f'{link.folder}: {name} was trained on {len(seen)} of the test speakers '
        f'({", ".join(seen[:3])}{", ..." if len(seen) > 3 else ""}); evaluate on the dataset that '
        'it was trained with, or train it without them')


def _named(identity, start):
  return {name.removeprefix(start): value for name, value in identity.items()
          if name.startswith(start)}


def _digest(trained) -> str:
  return fingerprints.of_arrays(flatten_dict(dict(trained), sep='/'))


def _changed(folder, step):
  """Tells whether a checkpoint is still the one that was read."""
  return (folder.resolve() / ckpt.FOLDER / str(step)).stat().st_mtime_ns


@functools.lru_cache(64)
def _stored(folder, step, changed) -> str:
  del step, changed  # they tell stored digests apart
  return _digest(ckpt.load_params(folder))
