"""One evaluation from trained folders: what is loaded, measured and merged."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from cemnet_jax import fingerprints
from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import raw_size, summary
from cemnet_jax.evaluate import run as running
from cemnet_jax.evaluate.cases import draw_cases
from cemnet_jax.evaluate.measure import Judge
from cemnet_jax.evaluate.methods import Loaded, load_methods
from cemnet_jax.evaluate.records import Records
from cemnet_jax.evaluate.scorer_accuracy import scorer_accuracy
from cemnet_jax.evaluate.scorers import Scorers, load_scorers
from cemnet_jax.evaluate.stable import fit_classifier
from cemnet_jax.infer.talker import Talker
from cemnet_jax.systems import SYSTEMS
from cemnet_jax.topology import UNKNOWN
from cemnet_jax.train import chain, ckpt


class Places(NamedTuple):
  """Where everything is.

  Attributes:
    systems: a trained workdir of each seed; pictures are drawn with the first alone.
    data: folder of the built datasets.
    mead, lrs: dataset names; `lrs` is asked for by the protocol of that name only.
  """
  systems: Sequence[Path]
  data: Path
  mead: str
  lrs: str


class Evaluation(NamedTuple):
  """Everything that the report tells.

  Attributes:
    clips: of `mead`, or of `lrs` when that is measured alone.
    loaded: the methods of the first folder.
    rows: of every run, one run per trained seed.
    merged: means over clips, repetitions and runs; `seeds` the same of every run by itself.
    accuracy: the scorers' own, from `scorer_accuracy`.
    identity: weights, datasets, settings.
    raw: split -> what `raw_size.measure` tells of it; empty unless it was asked for.
  """
  clips: dict[str, Clips]
  loaded: Loaded
  settings: running.Settings
  rows: list[list[running.Row]]
  merged: dict[summary.Key, dict[str, summary.Value]]
  seeds: list[dict[summary.Key, dict[str, summary.Value]]]
  accuracy: dict[str, dict]
  identity: dict
  raw: dict[str, dict]

  def clips_of(self, protocol: str) -> Clips:
    """The clips that a protocol's cases count."""
    return self.clips[_set_of(protocol)]


def evaluate(places: Places, settings: running.Settings, folder: Path | None,
             say: Callable[[str], None] = print) -> Evaluation:
  """Measures what is not on record in `folder` (None: keeps no records).

  Records of other code, data or weights do not count: `say` is told, and all is measured anew.

  Raises:
    UserError: no system is trained, its stages do not belong together or to the data, a dataset or
      split lacks what a protocol needs; whole pictures of another dataset than a synthetic world.
  """
  if settings.raw_size:
    raw_size.check(places.mead)
  wanted = running.systems_of(settings.protocols)
  loaded = [load_methods(system, wanted) for system in places.systems]
  by_set = _protocols_by_set(settings.protocols)
  clips = {name: Clips(places.data, getattr(places, name)) for name in by_set}
  identity = _identity(places, settings, clips, loaded)
  scorers = load_scorers(places.systems[0])
  labelled = any((c.table['emotion'] != UNKNOWN).any() for c in clips.values())
  # Emotions in the wild are too few to fit a classifier on.
  classifier = fit_classifier(
    clips.get('mead') or Clips(places.data, places.mead)) if labelled else None
  runs = []
  for number, (system, methods) in enumerate(zip(places.systems, loaded, strict=True)):
    here = settings if number == 0 else settings._replace(drawn=0, cell_drawn=0)
    rows = []
    for name, protocols in by_set.items():
      judge = Judge(clips[name], scorers, classifier, settings.references, settings.frames)
      records = folder and Records(
        Path(folder) / f'{number}_{name}',
        {**identity['measured'], 'dataset': clips[name].identity(),
         'weights': identity['weights'][str(system)]}, say)
      rows += running.run(clips[name], methods.methods, judge, records,
                          here._replace(protocols=protocols))
    runs.append(rows)
  groups = _groups(by_set, clips)
  return Evaluation(
    clips, loaded[0], settings, runs, summary.summarise(runs, groups),
    [summary.summarise([rows], groups) for rows in runs],
    _accuracy(clips, scorers), identity, _raw(places, settings, clips))


def _raw(places, settings, clips):
  if not settings.raw_size:
    return {}
  talker, known = Talker.load(places.systems[0]), clips['mead']
  return {split: raw_size.measure(
    talker, known, draw_cases(known, split, 'cross_emotion', settings.seed, settings.raw_clips),
    settings.raw_size, settings.references)
    for split in settings.splits if len(known.ranges[split])}


def _protocols_by_set(protocols):
  by_set = {name: [p for p in protocols if _set_of(p) == name] for name in ('mead', 'lrs')}
  return {name: found for name, found in by_set.items() if found}


def _set_of(protocol):
  return 'lrs' if protocol == 'lrs' else 'mead'


def _groups(by_set, clips):
  functions = {protocol: summary.groups_of(clips[name])
               for name, protocols in by_set.items() for protocol in protocols}
  return lambda row: functions[row.protocol](row)


def _accuracy(clips, scorers: Scorers):
  name = 'mead' if 'mead' in clips else 'lrs'
  return scorer_accuracy(clips[name], scorers)


def _identity(places, settings, clips, loaded):
  """What the results are made of; UserError where that does not belong together."""
  datasets, held_out = {}, set()
  for c in clips.values():
    datasets |= c.identity()
    held_out |= c.held_out(settings.splits)
  wanted = _stages_of(running.systems_of(settings.protocols))
  links = {str(system): {name: link for name, link in chain.read_all(system).items()
                         if name in wanted} for system in places.systems}
  rules = {c.name: c.crop for c in clips.values()}
  rules |= {str(system): methods.crop
            for system, methods in zip(places.systems, loaded, strict=True)}
  for found in links.values():
    chain.check(found)
    chain.check_data(found, datasets, held_out)
    chain.check_crops(found, rules)
  code = fingerprints.source()
  identity = {
    'source': code, 'datasets': datasets,
    'settings': {k: list(v) if isinstance(v, tuple | list) else v
                 for k, v in settings._asdict().items()},
    'weights': {system: _weights(found) for system, found in links.items()},
    'unfinished': [link.folder for found in links.values() for link in found.values()
                   if not (Path(link.folder) / ckpt.DONE).is_file()],
    'measured': {'references': settings.references, 'frames': settings.frames,
                 'code': code['sources'],
                 'scorers': _weights(links[str(places.systems[0])], scorers=True)}}
  made_of = [datasets, identity['settings'], *identity['weights'].values(), identity['measured']]
  return identity | {'fingerprint': fingerprints.of_value(made_of)}


def _stages_of(systems: Sequence[str]) -> set[str]:
  """Every stage of the systems, those that only others learned from too, and the scorers."""
  return {stage for system in (*systems, 'scorers') for stage in SYSTEMS.get(system, ())}


def _weights(links, scorers: bool = False) -> dict[str, str]:
  """Stage -> fingerprint and step of what is used, and the file that it was imported from, if so;
  scorers apart from all others."""
  found = {}
  for stage, link in links.items():
    if (stage in Scorers._fields) == scorers:
      found[stage] = f'{link.fingerprint}, step {link.step}'
      source = ckpt.load_config(Path(link.folder)).get('imported')
      if source:
        found[stage] += f', imported from {source["file"]}, sha256 {source["sha256"][:16]}'
  return found


def default_datasets(system_dir, mead: str | None, lrs: str | None) -> tuple[str, str]:
  """The asked datasets, otherwise those that the system's stages learned from.

  Raises:
    UserError: a dataset is not given and no stage tells it.
  """
  def of_stage(flag, *stages):
    for stage in stages:
      if (Path(system_dir) / stage / ckpt.CONFIG).is_file():
        return ckpt.load_config(Path(system_dir) / stage)['data']['dataset']
    raise UserError(f'{system_dir}: none of the stages {", ".join(stages)} is here to tell the '
                    f'dataset; give {flag} NAME')

  return (mead or of_stage('--dataset', 'ebm', 'ebm_no_aee', 'ebm_direct', 'image_emotion'),
          lrs or of_stage('--lrs', 'audio2mouth', 'lip_expert', 'renderer').split('+')[0])
