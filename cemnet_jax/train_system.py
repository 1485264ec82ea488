"""From configs to trained stages: opens the data, loads frozen stages, calls the loop.

`train_stage` trains one stage, `train_system` all stages of a system in order.
"""

import ast
import importlib
import json
import os
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from cemnet_jax import fingerprints, stages
from cemnet_jax.errors import UserError
from cemnet_jax.systems import STATISTICS, SYSTEMS
from cemnet_jax.train import chain, ckpt, loop
from cemnet_jax.train.pool import FeaturePool
from cemnet_jax.train.process import meet
from configs import sizes

MADE_OF = 'made_of'  # in the file of statistics: fingerprints of its data
SPEAKERS = -1  # `model.classes` that stands for the number of training speakers


def load_config(name: str, preset: str) -> ConfigDict:
  """The config of configs/<name>.py, locked."""
  return importlib.import_module(f'configs.{name}').get_config(preset).lock()


def set_field(cfg: ConfigDict, key: str, text: str) -> None:
  """Sets `key` ('optimizer.lr') to the value that `text` writes; unknown keys are refused."""
  try:
    value = ast.literal_eval(text)
  except (ValueError, SyntaxError):
    value = text
  *parents, last = key.split('.')
  try:
    for name in parents:
      cfg = cfg[name]
    cfg[last] = value
  except (KeyError, AttributeError, TypeError) as error:
    raise UserError(f'config {key}={text}: ' + ' '.join(error.args[0].split())) from error


def _frozen_dir(cfg, need: str, workdir: Path, given: dict[str, str]) -> Path:
  """Where the trained stage `need` is; said clearly when it is not there."""
  folder = Path(given.get(need, workdir.parent / need))
  command = (f'python run_train.py --config=configs/{need}.py:{cfg.preset} --workdir={folder} '
             '--data=DATA')
  if not (folder / ckpt.FOLDER).is_dir():
    raise UserError(f'{cfg.stage} needs the trained stage {need}, not found in {folder}; train it '
                    f'first (`{command}`) or give --frozen {need}=DIR')
  if need not in given and not (folder / ckpt.DONE).is_file():
    raise UserError(f'{cfg.stage} needs the stage {need}, which is not finished in {folder}; '
                    f'finish it (`{command}`) or give --frozen {need}=DIR')
  return folder


def _make_statistics(cfg, data_dir) -> dict[str, np.ndarray]:
  from cemnet_jax.data.statistics import landmark_statistics
  return landmark_statistics(data_dir, cfg.data.dataset)


def _statistics(cfg, data_dir, path: Path, data: dict[str, str]) -> dict[str, np.ndarray]:
  """Mean and deviation of aligned landmarks, made once per system from the data that it names.

  UserError where the file is of other data.
  """
  made_of = json.dumps(data, sort_keys=True)
  if jax.process_index() == 0 and not path.is_file():
    beside = path.with_name(f'.{path.name}-{os.getpid()}.npz')
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(beside, **_make_statistics(cfg, data_dir), **{MADE_OF: made_of})
    os.replace(beside, path)
  meet('landmark statistics', path)
  with np.load(path, allow_pickle=False) as stored:
    statistics = dict(stored)
  theirs = json.loads(str(statistics.pop(MADE_OF, made_of)))
  if theirs != data:
    differing = '; '.join(fingerprints.differences(theirs, data)) or ', '.join(theirs)
    raise UserError(f'{path}: these are the statistics of other data ({differing}); take another '
                    '--workdir, or delete the file and the stages beside it')
  return statistics


def load_frozen(cfg, data_dir, workdir: Path, given: dict[str, str], data: dict[str, str]
                ) -> tuple[dict, dict]:
  """The frozen inputs that `cfg.needs` names; also fills `cfg.frozen.<stage>` with their configs.

  Args:
    data: the fingerprints of the datasets, which the landmarks' statistics must be of.

  Returns:
    ({stage: {'params', 'stats'}}, name -> fingerprint of each, as `chain.Link.identity` has it).
  """
  frozen, identity, configs = {}, {}, {}
  module = stages.load(cfg)
  for need in module.needs(cfg) if hasattr(module, 'needs') else cfg.needs:
    if need == 'vgg19':
      from cemnet_jax.weights.vgg19 import load_vgg19
      frozen[need] = load_vgg19(cfg.loss.vgg19)
      identity[need] = fingerprints.of_file(cfg.loss.vgg19)
      continue
    if need == STATISTICS:
      frozen[need] = _statistics(cfg, data_dir, workdir.parent / f'{STATISTICS}.npz', data)
      identity[need] = fingerprints.of_arrays(frozen[need])
      continue
    folder = _frozen_dir(cfg, need, workdir, given)
    frozen[need] = ckpt.load_params(folder)
    configs[need] = ConfigDict(ckpt.load_config(folder))
    identity[chain.FROZEN + need] = chain.read(folder, frozen[need]).fingerprint
  with cfg.unlocked():
    cfg.frozen = ConfigDict(configs)
  return frozen, identity


def _data_identity(cfg, data_dir, clips) -> dict[str, str]:
  """Name -> fingerprint of the datasets that a stage reads: clips, and pairs over them."""
  from cemnet_jax.data.pairs import PAIRED, pairs_identity
  named = clips.identity()
  if cfg.data.kind in PAIRED:
    named |= pairs_identity(data_dir, PAIRED[cfg.data.kind], clips.name)
  return named


def train_stage(cfg: ConfigDict, data_dir: str | Path, workdir: str | Path, *,
                frozen_dirs: dict[str, str] | None = None, title: str = '',
                tensorboard: bool = False) -> None:
  """Trains one stage to its end, or goes on from its latest checkpoint, or finds it finished.

  Imported weights are taken as they are, whatever `cfg` says.

  Args:
    cfg: from `load_config`.
    data_dir: where the built datasets are.
    workdir: the stage's folder; frozen stages are looked for beside it.
    frozen_dirs: {stage: folder} for frozen stages that are elsewhere.
    title: shown beside the progress.
    tensorboard: whether event files for TensorBoard are written, too.

  Raises:
    UserError: data or a frozen stage is missing, the checkpoint would be chosen on a split that
      evaluation reports, or `loop.fit` refuses.
  """
  from cemnet_jax.data.pipeline import NoExamples, iterate, make_dataset, open_clips
  from cemnet_jax.evaluate.cases import SPLITS as REPORTED
  if cfg.best and cfg.eval_split in REPORTED:
    raise UserError(f'{cfg.stage}: eval_split={cfg.eval_split} is a split that evaluation reports, '
                    'so it may not choose the checkpoint; set it to val')
  workdir, cfg = Path(workdir), cfg.copy_and_resolve_references()
  if loop.imported(workdir):
    print(f'{title or cfg.stage}: imported, in {workdir}', flush=True)
    return
  clips = open_clips(str(data_dir), cfg.data.dataset)[0]
  if cfg.model.get('classes') == SPEAKERS:
    cfg.model.classes = clips.num_train_speakers
  data = _data_identity(cfg, data_dir, clips)
  frozen, identity = load_frozen(cfg, data_dir, workdir, frozen_dirs or {}, data)
  identity |= {chain.DATASET + name: value for name, value in data.items()}
  loop.check_identity(workdir, identity)
  loop.check_config(workdir, cfg)
  if loop.finished(workdir, cfg):
    print(f'{title or cfg.stage}: finished before, in {workdir}', flush=True)
    return
  loop.check_workdir(workdir)

  pooled = cfg.pool.batches > 0
  where = dict(seed=cfg.seed, process_index=jax.process_index(), process_count=jax.process_count())
  batches = make_dataset(cfg.data, data_dir, 'train', train=True, **where,
                         batch_size=cfg.pool.batch_size if pooled else cfg.batch_size)
  try:
    eval_data = make_dataset(cfg.data, data_dir, cfg.eval_split, train=False, **where,
                             batch_size=cfg.batch_size)
  except NoExamples as error:  # a dataset need not have every split
    eval_data = None
    print(f'{title or cfg.stage}: nothing is evaluated, and the last checkpoint counts as the best '
          f'({error})', flush=True)
  module = stages.load(cfg)
  if pooled:
    sources = [str(data_dir), str(workdir.resolve().parent), frozen_dirs or {}, identity]
    batches, eval_data = _pools(cfg, module, frozen, sources, batches, eval_data)
  loop.fit(module.make(cfg), cfg, batches, eval_data, frozen, workdir, title=title,
           identity=identity, people=clips.people('train'),
           iterate=loop.serial if pooled else iterate, tensorboard=tensorboard)


_last_pools = {}  # what the stage before pooled: an ablation often wants the same features


def _pools(cfg, module, frozen, sources, data, eval_data) -> tuple[FeaturePool, FeaturePool]:
  """Training and evaluation pools; made anew unless the last stage pooled the very same.

  `sources` says where data and frozen weights come from: equal settings alone are not enough.
  """
  made_by = json.dumps([cfg.data.to_dict(), cfg.pool.to_dict(), cfg.frozen.to_dict(), sources,
                        cfg.seed, cfg.batch_size, cfg.eval_split, cfg.eval_batches],
                       sort_keys=True)
  if made_by not in _last_pools:
    features = module.features(cfg)
    train = FeaturePool(data, features, frozen, batches=cfg.pool.batches,
                        batch_size=cfg.batch_size, seed=cfg.seed)
    held_out = eval_data and FeaturePool(
      eval_data, features, frozen, train=False, batch_size=cfg.batch_size,
      batches=cfg.eval_batches or len(eval_data))
    _last_pools.clear()
    _last_pools[made_by] = (train, held_out)
  return _last_pools[made_by]


def train_system(system: str, preset: str, data_dir: str | Path, workdir: str | Path,
                 changes: tuple[str, ...] = (), *, lrs: str | None = None,
                 mead: str | None = None, tensorboard: bool = False) -> None:
  """Trains the stages of a system in order, in one process; finished ones are skipped.

  Args:
    system: a key of `SYSTEMS`.
    preset: of every stage's config.
    data_dir: where the built datasets are.
    workdir: gets one folder per stage.
    changes: 'stage.key=value' for one stage's config, '*.key=value' for all.
    lrs: dataset in place of the preset's synthetic one of many speakers; 'lrs2/main', say.
    mead: the same for the one of eight emotions; 'mead/front', say.
    tensorboard: see `train_stage`.

  Raises:
    UserError: unknown system or key, and everything `train_stage` refuses.
  """
  if system not in SYSTEMS:
    raise UserError(f'--system: unknown {system!r}, use one of {", ".join(SYSTEMS)}')
  nodes = SYSTEMS[system]
  configs = {stage: load_config(node.config, preset) for stage, node in nodes.items()}
  for cfg in configs.values():
    for given, usual in ((lrs, sizes.lrs(preset)), (mead, sizes.mead(preset))):
      if given:
        cfg.data.dataset = '+'.join(given if name == usual else name
                                    for name in cfg.data.dataset.split('+'))
  for change in changes:
    stage, _, assignment = change.partition('.')
    key, equals, text = assignment.partition('=')
    if not equals or stage not in (*nodes, '*'):
      raise UserError(f'--set {change}: write STAGE.KEY=VALUE with * or a stage of {system}: '
                      + ', '.join(nodes))
    for name in nodes if stage == '*' else (stage,):
      set_field(configs[name], key, text)
  for number, (stage, cfg) in enumerate(configs.items(), start=1):
    train_stage(cfg, data_dir, Path(workdir) / stage, title=f'[{number}/{len(nodes)}] {stage}',
                tensorboard=tensorboard)
    jax.clear_caches()  # programs of a finished stage only hold memory
