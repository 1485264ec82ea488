"""From configs to trained stages: opens the data, loads frozen stages, calls the loop.

`train_stage` trains one stage, `train_system` all stages of a system in order.
"""

import ast
import contextlib
import hashlib
import importlib
import json
import math
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from cemnet_jax import stages
from cemnet_jax.errors import UserError
from cemnet_jax.files import locked, whole
from cemnet_jax.systems import STATISTICS, SYSTEMS
from cemnet_jax.train import ckpt, loop
from cemnet_jax.train.pool import FeaturePool
from configs import sizes

AT_LEAST_ONE = ('steps', 'batch_size', 'log_every', 'save_every', 'eval_every')
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


def check_numbers(cfg: ConfigDict) -> None:
  """UserError for a number of the config that makes no sense."""
  for key, value in ckpt.flat(ckpt.plain(cfg)).items():
    if isinstance(value, float) and not math.isfinite(value):
      raise UserError(f'config {key}={value}: a finite number is needed')
    if key in AT_LEAST_ONE and not (isinstance(value, int) and value >= 1):
      raise UserError(f'config {key}={value}: at least 1 is needed')


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


def _statistics(cfg, data_dir, path: Path) -> dict[str, np.ndarray]:
  """Mean and deviation of aligned landmarks, made once per system."""
  if not path.is_file():
    if jax.process_index() == 0:
      made = _make_statistics(cfg, data_dir)
      with whole(path, '.npz') as beside:
        np.savez(beside, **made)
    if jax.process_count() > 1:
      from jax.experimental import multihost_utils
      multihost_utils.sync_global_devices('landmark statistics')
  with np.load(path, allow_pickle=False) as stored:
    return dict(stored)


def load_frozen(cfg, data_dir, workdir: Path, given: dict[str, str]) -> tuple[dict, dict]:
  """The frozen inputs that `cfg.needs` names; also fills `cfg.frozen.<stage>` with their configs.

  Returns:
    ({stage: {'params', 'stats'}}, {'frozen.<stage>': step of its checkpoint, 'vgg19': sha256}).
  """
  frozen, identity, configs = {}, {}, {}
  module = stages.load(cfg)
  for need in module.needs(cfg) if hasattr(module, 'needs') else cfg.needs:
    if need == 'vgg19':
      from cemnet_jax.weights.vgg19 import load_vgg19
      frozen[need] = load_vgg19(cfg.loss.vgg19)
      with open(cfg.loss.vgg19, 'rb') as file:
        identity['vgg19'] = hashlib.file_digest(file, 'sha256').hexdigest()
      continue
    if need == STATISTICS:
      frozen[need] = _statistics(cfg, data_dir, workdir.parent / f'{STATISTICS}.npz')
      continue
    folder = _frozen_dir(cfg, need, workdir, given)
    frozen[need] = ckpt.load_params(folder)
    configs[need] = ConfigDict(ckpt.load_config(folder))
    identity[f'frozen.{need}'] = ckpt.best_step(folder)
  with cfg.unlocked():
    cfg.frozen = ConfigDict(configs)
  return frozen, identity


def train_stage(cfg: ConfigDict, data_dir: str | Path, workdir: str | Path, *,
                frozen_dirs: dict[str, str] | None = None, title: str = '') -> None:
  """Trains one stage to its end, or goes on from its latest checkpoint, or finds it finished.

  Imported weights are taken as they are, whatever `cfg` says.

  Args:
    cfg: from `load_config`.
    data_dir: where the built datasets are.
    workdir: the stage's folder; frozen stages are looked for beside it.
    frozen_dirs: {stage: folder} for frozen stages that are elsewhere.
    title: shown beside the progress.

  Raises:
    UserError: data or a frozen stage is missing, or `loop.fit` refuses.
  """
  from cemnet_jax.data.pipeline import open_clips
  workdir, cfg = Path(workdir), cfg.copy_and_resolve_references()
  check_numbers(cfg)
  if cfg.model.get('classes') == SPEAKERS:
    cfg.model.classes = open_clips(str(data_dir), cfg.data.dataset)[0].num_train_speakers
  if loop.imported(workdir):
    print(f'{title or cfg.stage}: imported, in {workdir}', flush=True)
    return
  loop.check_config(workdir, cfg)
  if loop.finished(workdir, cfg):
    print(f'{title or cfg.stage}: finished before, in {workdir}', flush=True)
    return
  loop.check_workdir(workdir)
  with locked(workdir) if jax.process_index() == 0 else contextlib.nullcontext():
    _train_stage(cfg, data_dir, workdir, frozen_dirs, title)


def _train_stage(cfg, data_dir, workdir: Path, frozen_dirs, title: str) -> None:
  """`train_stage` of a stage that is not finished, in a folder that no other run works in."""
  from cemnet_jax.data.pipeline import NoExamples, iterate, make_dataset
  from cemnet_jax.data.source import dataset_path
  frozen, identity = load_frozen(cfg, data_dir, workdir, frozen_dirs or {})
  for name in cfg.data.dataset.split('+'):
    identity[f'dataset.{name}'] = dataset_path(data_dir, name).name

  pooled = cfg.pool.batches > 0
  where = dict(seed=cfg.seed, process_index=jax.process_index(), process_count=jax.process_count())
  data = make_dataset(cfg.data, data_dir, 'train', train=True, **where,
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
    data, eval_data = _pools(cfg, module, frozen, sources, data, eval_data)
  loop.fit(module.make(cfg), cfg, data, eval_data, frozen, workdir, title=title,
           identity=identity, iterate=loop.serial if pooled else iterate)


_last_pools = {}  # what the stage before pooled: an ablation often wants the same features


def _pools(cfg, module, frozen, sources, data, eval_data) -> tuple[FeaturePool, FeaturePool]:
  """Training and evaluation pools; made anew unless the last stage pooled the very same.

  `sources` says where data and frozen weights come from: equal settings alone are not enough.
  """
  made_by = json.dumps([cfg.data.to_dict(), cfg.pool.to_dict(), cfg.frozen.to_dict(), sources,
                        cfg.seed, cfg.batch_size, cfg.eval_split, cfg.eval_batches],
                       sort_keys=True)
  if made_by not in _last_pools:
    features, local = module.features(cfg), cfg.batch_size // jax.process_count()
    train = FeaturePool(data, features, frozen, batches=cfg.pool.batches, batch_size=local,
                        seed=cfg.seed)
    held_out = eval_data and FeaturePool(
      eval_data, features, frozen, train=False, batch_size=local,
      batches=cfg.eval_batches or len(eval_data))
    _last_pools.clear()
    _last_pools[made_by] = (train, held_out)
  return _last_pools[made_by]


def train_system(system: str, preset: str, data_dir: str | Path, workdir: str | Path,
                 changes: tuple[str, ...] = (), *, lrs: str | None = None,
                 mead: str | None = None) -> None:
  """Trains the stages of a system in order, in one process; finished ones are skipped.

  Args:
    system: a key of `SYSTEMS`.
    preset: of every stage's config.
    data_dir: where the built datasets are.
    workdir: gets one folder per stage.
    changes: 'stage.key=value' for one stage's config, '*.key=value' for all.
    lrs: dataset in place of the preset's synthetic one of many speakers; 'lrs2/main', say.
    mead: the same for the one of eight emotions; 'mead/front', say.

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
    train_stage(cfg, data_dir, Path(workdir) / stage, title=f'[{number}/{len(nodes)}] {stage}')
    jax.clear_caches()  # programs of a finished stage only hold memory
