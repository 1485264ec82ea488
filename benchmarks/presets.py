"""What the presets differ in: makes the tables of docs/training.md anew, from the configs.

  python -m benchmarks.presets
"""

import importlib
import re
from pathlib import Path

from benchmarks.table import line, rule
from cemnet_jax.train.ckpt import flat, plain
from configs.common import DEFAULT, OURS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / 'docs' / 'training.md'
BEGIN = '<!-- what follows is made by `python -m benchmarks.presets` -->'
END = '<!-- end of what is made -->'
NAMES = ('stage', 'module', 'preset')  # fields that only name a config
WORLD = re.compile(r'synth_mead/(\w+)_\w+')  # a world of a preset's size: what it plays is compared

# Why `full` is not as the paper, by field, or by stage and field.
PAPER = {
  'ema': 'the average of the last steps is used: single steps differ as much as systems do',
  'model.natural': 'emotion and timbre are heard in windows as spoken, as they are later',
  'aee.loss.reconstruction': 'a sum of eight errors of MFCCs outweighs the other terms',
  'audio2mouth.eval_every': 'how often is asked whether to stop early',
  'model.per_utterance': 'loudness, microphone and room of a recording are taken off',
  'model.stable_frame': "landmarks in the face's own frame, standardised, not as in the crop",
  'loss.mouth': 'SyncTalkFace has 10 : 10 : 0.2 : 0.2; standardised landmarks weigh more',
  'loss.teacher': 'as `loss.mouth`',
  'ebm.loss.reconstruction': 'as `loss.mouth`',
  'loss.alignment': 'as `loss.mouth`',
  'model.centred_addresses': 'else all faces read the same tenth of the slots',
  'model.read_norm': 'a mean of many slots is much smaller than the motion beside it',
  'model.identity_noise': 'else a few dozen speakers are learned by heart',
  'data.dataset': 'many speakers hardly frown, so faces are learned from the set of emotions, too',
  'data.cross_ref': 'references of another emotion, as in use',
  'data.closed_ref': 'references with closed lips: the inside of a mouth has to be painted',
  'data.open_target': 'targets with wide open lips, for the same',
  'data.landmark_flow': 'faces are warped by the flow of their landmarks, not by a learned one',
  'data.lines': 'the sketch is grey where the mouth is open',
  'renderer.loss.mouth': 'error of a pixel in the box of the lips',
  'loss.unseen': 'error of a pixel inside a mouth that no reference shows',
  'loss.perceptual_net': "this project's own net stands in for VGG19, which nobody has to fetch",
  'loss.style': "Gram matrices; the stand-in's maps have no use for them",
  'model.centred': "a start of the generator's kernels that hardly blurs",
  'model.flow_scale': 'the learned flow starts near no motion',
  'model.quirk': "IP-LAP's warp is not the identity for no flow; here it is",
  'model.skip': 'the generator paints a change of what is known, not all pixels',
  'model.occlusion': 'with `skip` it says how much of what is known it takes away',
  'model.head': 'with `skip`, channels of two layers that see the sketch itself',
}
# Why a small preset is more than a size of `full`.
NOT_SIZES = {
  'pool.batches': 'features of frozen nets are made once and used again; 0: at every step',
  'pool.batch_size': 'as `pool.batches`',
  'optimizer.weight_decay': 'so many steps see sixteen speakers often; more speakers need none',
  'loss.teacher': 'in a short run it takes the value memory for what no query can know',
  'loss.velocity': 'its 2-norm over 114 coordinates outweighs the mean L1 in few steps',
  'audio2mouth.model.dropout': 'few steps are not to be held back',
  'optimizer.warmup': 'a post-norm transformer stays on a plateau at a high rate',
  'optimizer.clip': 'as `optimizer.warmup`',
  'loss.scale': "ArcFace's; few speakers and steps want a softer target",
  'loss.margin': 'as `loss.scale`',
  'model.mouth': 'small pictures show lips of a few pixels: SyncNet sees the mouth alone',
  'wav2lip.model.centred': 'few steps do not get far from a start that blurs',
  'loss.sync': 'an expert of few steps is easily pleased by spots of colour',
  'patience': 'few steps need no early stop',
  'data.dataset': '`debug` only shows that all parts run',
  'data.cross_ref': 'as `data.dataset`',
}
# Fields that are sizes: of nets, data and runs, and how hard few steps pull.
SIZES = re.compile(
  r'(steps|batch_size|eval_batches|workers|\w+_every|\w*optimizer\.(lr|schedule)'
  r'|data\.(image_size|windows|tokens|moments|emotion_windows|N)'
  r'|model\.(\w*width|hidden|dim|layers|ffn|wide|kernel|head|audio_dim|stages|input_size|recurrent)'
  r'|loss\.(warmup_steps|sync_from))')


def stage_names() -> list[str]:
  """All configs, in the order of their names."""
  modules = {path.stem: importlib.import_module(f'configs.{path.stem}')
             for path in sorted((ROOT / 'configs').glob('*.py'))}
  return [name for name, module in modules.items() if hasattr(module, 'get_config')]


def fields(stage: str, preset: str) -> dict[str, object]:
  """'optimizer.lr' -> value of a stage's config, without what only names it."""
  config = plain(importlib.import_module(f'configs.{stage}').get_config(preset))
  return flat({key: value for key, value in config.items() if key not in NAMES})


def differing(presets: tuple[str, ...]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
  """(field, its value in each preset) -> the stages where these values are not all the same.

  Worlds of different sizes that play the same part are the same.
  """
  found = {}
  for stage in stage_names():
    configs = [fields(stage, preset) for preset in presets]
    for field in configs[0]:
      values = tuple(_shown(field, config[field]) for config in configs)
      if len(set(values)) > 1:
        found.setdefault((field, values), []).append(stage)
  return found


def tables() -> str:
  """The three tables, in Markdown.

  Raises:
    ValueError: presets differ in a field of which this module does not say why.
  """
  paper = [(_stages(stages), f'`{field}`', *values, _why(PAPER, field, stages))
           for (field, values), stages in differing(('paper', DEFAULT)).items()]
  sizes, others = [], []
  for (field, values), stages in differing(OURS).items():
    row = (_stages(stages), f'`{field}`', *values)
    if SIZES.fullmatch(field):
      sizes.append(row)
    else:
      others.append((*row, _why(NOT_SIZES, field, stages)))
  presets = [f'`{name}`' for name in OURS]
  return '\n\n'.join([
    'From `paper` to `full`, every difference:',
    _table(['stage', 'field', '`paper`', '`full`', 'why'], paper),
    'From `full` to its small sizes, what is more than a size:',
    _table(['stage', 'field', *presets, 'why'], others),
    'And sizes, steps and rates:', _table(['stage', 'field', *presets], sizes)])


def written(text: str) -> str:
  """A document with the tables made anew between `BEGIN` and `END`."""
  before, rest = text.split(BEGIN)
  return f'{before}{BEGIN}\n\n{tables()}\n\n{END}{rest.split(END)[1]}'


def _shown(field, value) -> str:
  if field == 'data.dataset':
    value = WORLD.sub(r'\1', value)
  return f'`{value}`'


def _why(reasons, field, stages) -> str:
  found = {reasons.get(f'{_family(stage)}.{field}', reasons.get(field)) for stage in stages}
  if None in found:
    raise ValueError(f'{field} of {", ".join(stages)} differs between presets: say why in '
                     'benchmarks/presets.py, or that it is a size')
  return '; '.join(sorted(found))


def _family(stage) -> str:
  return 'ebm' if stage.startswith('ebm') else stage


def _stages(stages) -> str:
  return 'all' if stages == stage_names() else ', '.join(f'`{name}`' for name in stages)


def _table(head, rows) -> str:
  return '\n'.join([line(*head), rule(len(head)), *(line(*row) for row in sorted(rows))])


if __name__ == '__main__':
  DOCUMENT.write_text(written(DOCUMENT.read_text()))
