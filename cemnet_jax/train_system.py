"""From configs to trained stages: opens the data, loads frozen stages, calls the loop.

`train_stage` trains one stage, `train_system` all stages of a system in order.
"""

import ast
import contextlib
import importlib
import json
import math
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from cemnet_jax import crops, fingerprints, stages
from cemnet_jax.errors import UserError
from cemnet_jax.files import locked, whole
from cemnet_jax.systems import STATISTICS, SYSTEMS
from cemnet_jax.train import chain, ckpt, loop
from cemnet_jax.train.pool import FeaturePool
from cemnet_jax.train.process import meet
from configs import sizes

MADE_OF = 'made_of'  # in the file of statistics: fingerprints of its data
VGG19_URL = 'https://download.pytorch.org/models/vgg19-dcbb9e9d.pth'
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
    if key == 'seed' and not (isinstance(value, int) and 0 <= value < 2**32):
      raise UserError(f'config seed={value}: an integer from 0 to 2**32 - 1 is needed')


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


def check_vgg19(cfg) -> None:
  """UserError where a perceptual loss by VGG19 has no weights: said before hours of training."""
  if 'vgg19' in needs_of(cfg) and not Path(cfg.loss.vgg19).is_file():
    raise UserError(
      f'{cfg.stage}: loss.perceptual_net=vgg19 needs the file of its ImageNet weights, '
      f'loss.vgg19={cfg.loss.vgg19!r} is none: get torchvision\'s ({VGG19_URL}) and give '
      f'`--set {cfg.stage}.loss.vgg19=FILE` (run_train.py: --config.loss.vgg19=FILE), or take the '
      f'stand-in by name: `--set {cfg.stage}.loss.perceptual_net=image_emotion --set '
      f'{cfg.stage}.loss.style=0.0`')


def needs_of(cfg) -> tuple[str, ...]:
  """The frozen inputs of a stage with this config."""
  module = stages.load(cfg)
  return module.needs(cfg) if hasattr(module, 'needs') else tuple(cfg.needs)


def _make_statistics(cfg, data_dir) -> dict[str, np.ndarray]:
  from cemnet_jax.data.statistics import landmark_statistics
  return landmark_statistics(data_dir, cfg.data.dataset)


def _statistics(cfg, data_dir, path: Path, data: dict[str, str]) -> dict[str, np.ndarray]:
  """Mean and deviation of aligned landmarks, made once per system from the data that it names.

  UserError where the file is of other data.
  """
  made_of = json.dumps(data, sort_keys=True)
  if jax.process_index() == 0 and not path.is_file():
    made = _make_statistics(cfg, data_dir)
    with whole(path, '.npz') as beside:
      np.savez(beside, **made, **{MADE_OF: made_of})
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
  check_vgg19(cfg)
  for need in needs_of(cfg):
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
    _check_frozen(cfg, folder, configs[need])
    identity[chain.FROZEN + need] = chain.read(folder, frozen[need]).fingerprint
  with cfg.unlocked():
    cfg.frozen = ConfigDict(configs)
  return frozen, identity


def _check_frozen(cfg, folder: Path, frozen) -> None:
  """UserError where a frozen stage knows other crops or windows than `cfg` is to learn from."""
  crops.check({cfg.data.dataset: crops.of_config(cfg), str(folder): crops.of_config(frozen)},
              f'{cfg.stage} needs a dataset of the rule of its frozen stages, or these trained on '
              'its own')
  if frozen.data.get('kind') == 'mouth' and cfg.data.T != frozen.data.T:
    raise UserError(f'{folder}: learned from windows of {frozen.data.T} frames, {cfg.stage} is to '
                    f'learn from such of {cfg.data.T}: set data.T of both to the same')


def _describe_data(cfg, clips) -> None:
  """Fills in what only the data tell: number of speakers, rule of the crops. UserError where the
  config names another rule."""
  if cfg.model.get('classes') == SPEAKERS:
    cfg.model.classes = clips.num_train_speakers
  if cfg.data.kind in crops.HEARD:
    return
  crops.check({clips.name: clips.crop, f'{cfg.stage}.data.crop': cfg.data.crop},
              'leave data.crop empty, the dataset tells it')
  cfg.data.crop = clips.crop


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
  from cemnet_jax.data.pipeline import open_clips
  from cemnet_jax.evaluate.cases import SPLITS as REPORTED
  if cfg.best and cfg.eval_split in REPORTED:
    raise UserError(f'{cfg.stage}: eval_split={cfg.eval_split} is a split that evaluation reports, '
                    'so it may not choose the checkpoint; set it to val')
  workdir, cfg = Path(workdir), cfg.copy_and_resolve_references()
  check_numbers(cfg)
  if loop.imported(workdir):
    print(f'{title or cfg.stage}: imported, in {workdir}', flush=True)
    return
  clips = open_clips(str(data_dir), cfg.data.dataset)[0]
  _describe_data(cfg, clips)
  data = _data_identity(cfg, data_dir, clips)
  frozen, identity = load_frozen(cfg, data_dir, workdir, frozen_dirs or {}, data)
  identity |= {chain.DATASET + name: value for name, value in data.items()}
  loop.check_identity(workdir, identity)
  loop.check_config(workdir, cfg)
  if loop.finished(workdir, cfg):
    print(f'{title or cfg.stage}: finished before, in {workdir}', flush=True)
    return
  loop.check_workdir(workdir)
  with locked(workdir) if jax.process_index() == 0 else contextlib.nullcontext():
    _train_stage(cfg, data_dir, workdir, clips, frozen, identity, frozen_dirs, title, tensorboard)


def _train_stage(cfg, data_dir, workdir: Path, clips, frozen, identity, frozen_dirs, title,
                 tensorboard) -> None:
  """`train_stage` of a stage that is not finished, in a folder that no other run works in."""
  from cemnet_jax.data.pipeline import NoExamples, iterate, make_dataset

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
                        batch_size=cfg.batch_size, seed=cfg.seed,
                        deterministic=cfg.deterministic)
    held_out = eval_data and FeaturePool(
      eval_data, features, frozen, train=False, batch_size=cfg.batch_size,
      deterministic=cfg.deterministic, batches=cfg.eval_batches or len(eval_data))
    _last_pools.clear()
    _last_pools[made_by] = (train, held_out)
  return _last_pools[made_by]


def check_data(configs: dict[Path, ConfigDict], data_dir: str | Path) -> None:
  """UserError where a stage needs labels that its dataset lacks, or the stages of a system would
  know two rules of crops; said before hours go into the first of them.

  Args:
    configs: workdir of each stage -> its config; stages that are finished there need no data.
  """
  from cemnet_jax.data import labels
  from cemnet_jax.data.pipeline import open_clips
  rules = {}
  for workdir, cfg in configs.items():
    if loop.imported(workdir) or loop.finished(workdir, cfg):
      rules[str(workdir)] = crops.of_config(ckpt.load_config(workdir))
      continue
    clips = open_clips(str(data_dir), cfg.data.dataset)[0]
    labels.check(clips, cfg.data.labels, cfg.stage)
    if cfg.data.kind not in crops.HEARD:
      rules[f'{clips.name} (of {cfg.stage})'] = clips.crop
  crops.check(rules, 'a system has one rule: choose datasets of one')


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
  for stage, cfg in configs.items():
    if not loop.imported(Path(workdir) / stage):
      check_vgg19(cfg)
  check_data({Path(workdir) / stage: cfg for stage, cfg in configs.items()}, data_dir)
  for number, (stage, cfg) in enumerate(configs.items(), start=1):
    train_stage(cfg, data_dir, Path(workdir) / stage, title=f'[{number}/{len(nodes)}] {stage}',
                tensorboard=tensorboard)
    jax.clear_caches()  # programs of a finished stage only hold memory
